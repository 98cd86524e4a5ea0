"""Writes weight files of Keras's form whose only tensor lies elsewhere, in /etc/hostname as far as they say: outside-storage.h5,
outside-link.h5 and outside-virtual.h5. h5py 3.14."""
import h5py, numpy as np

PLACE, KERNEL = "/etc/hostname", "dense/kernel:0"


def storage(layer):
    layer.create_dataset(KERNEL, shape=(2,), dtype="<f4", external=[(PLACE, 0, 8)])


def link(layer):
    layer.create_group("dense")["kernel:0"] = h5py.ExternalLink(PLACE, "/kernel")


def virtual(layer):
    layout = h5py.VirtualLayout((2,), "<f4")
    layout[:] = h5py.VirtualSource(PLACE, "kernel", (2,))
    layer.create_virtual_dataset(KERNEL, layout)


for write in (storage, link, virtual):
    with h5py.File(f"outside-{write.__name__}.h5", "w") as file:
        file.attrs["layer_names"] = np.array([b"dense"])
        layer = file.create_group("dense")
        layer.attrs["weight_names"] = np.array([KERNEL.encode()])
        write(layer)
