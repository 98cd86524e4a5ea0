/** Attribute of an HDF5 file that holds a text of ours. */
export const NOTE_ATTRIBUTE = 'sepal';
