/** Takes the place of the HDF5 library's own maker of instances: compiles it once and gives each caller memory of its own. */

/** As far as it is used here: Node's types leave it to those of browsers. */
interface Wasm {
  compile(bytes: Uint8Array): Promise<Compiled>;
  readonly instantiate: (module: Compiled, imports: object) => Promise<Instance>;
}
type Compiled = object & { readonly brand?: 'module' };
type Instance = object & { readonly brand?: 'instance' };
type Receive = (instance: Instance, module: Compiled) => void;
type Factory = (options: { readonly instantiateWasm?: (imports: object, receive: Receive) => object }) => Promise<unknown>; // prettier-ignore

const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };
const place = new URL('./hdf5_util.js', import.meta.resolve('h5wasm/node'));
const { default: original } = (await import(place.href)) as { default: Factory };

/** Compiling takes longer than all the rest of a case; the first instance gives it away. */
async function compiled(): Promise<Compiled> {
  const { instantiate } = wasm;
  let caught: Compiled | undefined;
  const catching = async (bytes: Uint8Array, imports: object) => {
    caught = await wasm.compile(bytes);
    return { module: caught, instance: await instantiate(caught, imports) };
  };
  Object.assign(wasm, { instantiate: catching });
  await original({});
  Object.assign(wasm, { instantiate });
  return caught!;
}

const module = await compiled();

const factory: Factory = (options) =>
  original({
    ...options,
    instantiateWasm(imports, receive) {
      void wasm.instantiate(module, imports).then((instance) => receive(instance, module));
      return {};
    },
  });
export default factory;
