/** Small StableHLO programs for tests of the layers below tracing. */

/** `[1, 2, 3]` → `2 * x + y` for two arrays of any one type such as `2x3xf32`. */
export function twiceAdd(type: string): string {
  return `func.func @main(%x: tensor<${type}>, %y: tensor<${type}>) -> tensor<${type}> {
    %double = stablehlo.add %x, %x : tensor<${type}>
    %sum = stablehlo.add %double, %y : tensor<${type}>
    return %sum : tensor<${type}>
  }`;
}

/** Returns its argument of a type such as `4xui8`. */
export function identity(type: string): string {
  return `func.func @main(%x: tensor<${type}>) -> tensor<${type}> { return %x : tensor<${type}> }`;
}

/** Adds one to an f32 array of `size` elements, in the memory of its argument. */
export function increment(size: number): string {
  return `func.func @main(%x: tensor<${size}xf32> {tf.aliasing_output = 0 : i32}) -> tensor<${size}xf32> {
    %one = stablehlo.constant dense<1.0> : tensor<${size}xf32>
    %sum = stablehlo.add %x, %one : tensor<${size}xf32>
    return %sum : tensor<${size}xf32>
  }`;
}

/** The sum of an f32[2, 3] over all replicas, and the number of the replica. */
export function allReduce(replicas: number): string {
  const group = Array.from({ length: replicas }, (_, i) => i).join(', ');
  return `module attributes {mhlo.num_replicas = ${replicas} : i32, mhlo.num_partitions = 1 : i32} {
    func.func @main(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<ui32>) {
      %sum = "stablehlo.all_reduce"(%x) ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %c = stablehlo.add %a, %b : tensor<f32>
          stablehlo.return %c : tensor<f32>
      }) {replica_groups = dense<[[${group}]]> : tensor<1x${replicas}xi64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
      %id = stablehlo.replica_id : tensor<ui32>
      return %sum, %id : tensor<2x3xf32>, tensor<ui32>
    }
  }`;
}

/** A chain of `length` matrix products of different shapes, which takes long to compile and has nothing to fold. */
export function longProgram(length: number): string {
  const lines = ['%x0 = stablehlo.add %x, %x : tensor<8x8xf32>'];
  for (let i = 0; i < length; i++) {
    const width = 8 + i;
    lines.push(
      `%w${i} = stablehlo.slice %w [0:${width}, 0:${width + 1}] : (tensor<${8 + length}x${8 + length}xf32>) -> tensor<${width}x${width + 1}xf32>`,
      `%p${i} = stablehlo.dot_general %x${i}, %w${i}, contracting_dims = [1] x [0] : (tensor<8x${width}xf32>, tensor<${width}x${width + 1}xf32>) -> tensor<8x${width + 1}xf32>`,
      `%x${i + 1} = stablehlo.tanh %p${i} : tensor<8x${width + 1}xf32>`,
    );
  }
  return `func.func @main(%x: tensor<8x8xf32>, %w: tensor<${8 + length}x${8 + length}xf32>) -> tensor<8x${8 + length}xf32> {
    ${lines.join('\n    ')}
    return %x${length} : tensor<8x${8 + length}xf32>
  }`;
}
