export { ExportError } from './errors.ts';
export { ONNX_PORTS, ONNX_PRECISIONS, onnxModel, type OnnxPrecision } from './onnx.ts';
export { stableHloText } from './stablehlo.ts';
export { writeWebFolder } from './web.ts';
