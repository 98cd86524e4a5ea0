import { StructType, type Fields } from './struct.ts';

/**
 * The functions of the PJRT C API that Sepal calls: the index in the table of function pointers, and the fields of the
 * argument struct, as `xla/pjrt/c/pjrt_c_api.h` of openxla/xla declares them. The table only ever grows at its end.
 * A field `since` 107 was appended at some version from 107 to 113.
 */
export const FUNCTIONS = {
  Error_Destroy: fn(0, { error: 'pointer' }),
  Error_Message: fn(1, { error: 'pointer', message: 'out text' }),
  Error_GetCode: fn(2, { error: 'pointer', code: 'out int' }),

  Plugin_Initialize: fn(3, {}),
  Plugin_Attributes: fn(4, { attributes: 'out pointer', num_attributes: 'out size' }),

  Event_Destroy: fn(5, { event: 'pointer' }),
  Event_IsReady: fn(6, { event: 'pointer', is_ready: 'out bool' }),
  Event_Error: fn(7, { event: 'pointer' }),
  Event_Await: fn(8, { event: 'pointer' }),

  Client_Create: fn(10, {
    create_options: 'pointer',
    num_options: 'size',
    kv_get_callback: 'pointer',
    kv_get_user_arg: 'pointer',
    kv_put_callback: 'pointer',
    kv_put_user_arg: 'pointer',
    client: 'out pointer',
    kv_try_get_callback: ['pointer', 61],
    kv_try_get_user_arg: ['pointer', 61],
  }),
  Client_Destroy: fn(11, { client: 'pointer' }),
  Client_PlatformName: fn(12, { client: 'pointer', platform_name: 'out text' }),
  Client_PlatformVersion: fn(14, { client: 'pointer', platform_version: 'out text' }),
  Client_Devices: fn(15, { client: 'pointer', devices: 'out handles' }),
  Client_AddressableDevices: fn(16, { client: 'pointer', addressable_devices: 'out handles' }),
  Client_Compile: fn(20, {
    client: 'pointer',
    program: 'pointer',
    compile_options: 'text',
    executable: 'out pointer',
  }),
  Client_BufferFromHostBuffer: fn(22, {
    client: 'pointer',
    data: 'pointer',
    type: 'int',
    dims: 'int64s',
    byte_strides: 'int64s',
    host_buffer_semantics: 'int',
    device: 'pointer',
    memory: 'pointer',
    device_layout: 'pointer',
    done_with_host_buffer: 'out pointer',
    buffer: 'out pointer',
  }),

  DeviceDescription_Id: fn(23, { device_description: 'pointer', id: 'out int' }),
  DeviceDescription_ProcessIndex: fn(24, { device_description: 'pointer', process_index: 'out int' }),
  DeviceDescription_Attributes: fn(25, {
    device_description: 'pointer',
    num_attributes: 'out size',
    attributes: 'out pointer',
  }),
  DeviceDescription_Kind: fn(26, { device_description: 'pointer', device_kind: 'out text' }),
  DeviceDescription_DebugString: fn(27, { device_description: 'pointer', debug_string: 'out text' }),

  Device_GetDescription: fn(29, { device: 'pointer', device_description: 'out pointer' }),
  Device_LocalHardwareId: fn(31, { device: 'pointer', local_hardware_id: 'out int' }),
  Device_MemoryStats: fn(34, {
    device: 'pointer',
    bytes_in_use: 'out int64',
    peak_bytes_in_use: 'out int64',
    peak_bytes_in_use_is_set: 'out bool',
    num_allocs: 'out int64',
    num_allocs_is_set: 'out bool',
    largest_alloc_size: 'out int64',
    largest_alloc_size_is_set: 'out bool',
    bytes_limit: 'out int64',
    bytes_limit_is_set: 'out bool',
    bytes_reserved: 'out int64',
    bytes_reserved_is_set: 'out bool',
    peak_bytes_reserved: 'out int64',
    peak_bytes_reserved_is_set: 'out bool',
    bytes_reservable_limit: 'out int64',
    bytes_reservable_limit_is_set: 'out bool',
    largest_free_block_bytes: 'out int64',
    largest_free_block_bytes_is_set: 'out bool',
    pool_bytes: 'out int64',
    pool_bytes_is_set: 'out bool',
    peak_pool_bytes: 'out int64',
    peak_pool_bytes_is_set: 'out bool',
  }),

  Executable_Destroy: fn(40, { executable: 'pointer' }),
  Executable_Name: fn(41, { executable: 'pointer', executable_name: 'out text' }),
  Executable_NumReplicas: fn(42, { executable: 'pointer', num_replicas: 'out size' }),
  Executable_NumPartitions: fn(43, { executable: 'pointer', num_partitions: 'out size' }),
  Executable_NumOutputs: fn(44, { executable: 'pointer', num_outputs: 'out size' }),
  Executable_GetCostAnalysis: fn(46, {
    executable: 'pointer',
    num_properties: 'out size',
    properties: 'out pointer',
  }),
  Executable_OptimizedProgram: fn(48, { executable: 'pointer', program: 'pointer' }),
  Executable_Serialize: fn(49, {
    executable: 'pointer',
    serialized_bytes: 'out pointer',
    serialized_bytes_size: 'out size',
    serialized_executable: 'out pointer',
    serialized_executable_deleter: 'out pointer',
  }),

  LoadedExecutable_Destroy: fn(50, { executable: 'pointer' }),
  LoadedExecutable_GetExecutable: fn(51, { loaded_executable: 'pointer', executable: 'out pointer' }),
  LoadedExecutable_AddressableDevices: fn(52, { executable: 'pointer', addressable_devices: 'out handles' }),
  LoadedExecutable_Execute: fn(55, {
    executable: 'pointer',
    options: 'pointer',
    argument_lists: 'pointer',
    num_devices: 'size',
    num_args: 'size',
    output_lists: 'pointer',
    device_complete_events: 'pointer',
    execute_device: 'pointer',
  }),
  Executable_DeserializeAndLoad: fn(56, {
    client: 'pointer',
    serialized_executable: 'text',
    loaded_executable: 'out pointer',
    overridden_serialized_compile_options: ['text', 71],
    load_options: ['pointer', 107],
  }),

  Buffer_Destroy: fn(58, { buffer: 'pointer' }),
  Buffer_OnDeviceSizeInBytes: fn(64, { buffer: 'pointer', on_device_size_in_bytes: 'out size' }),
  Buffer_IsDeleted: fn(68, { buffer: 'pointer', is_deleted: 'out bool' }),
  Buffer_ToHostBuffer: fn(70, {
    src: 'pointer',
    host_layout: 'pointer',
    dst: 'pointer',
    dst_size: 'size',
    event: 'out pointer',
  }),
  Buffer_ReadyEvent: fn(72, { buffer: 'pointer', event: 'out pointer' }),
  Buffer_OpaqueDeviceMemoryDataPointer: fn(76, { buffer: 'pointer', device_memory_ptr: 'out pointer' }),

  TopologyDescription_Create: fn(82, {
    topology_name: 'text',
    create_options: 'pointer',
    num_options: 'size',
    topology: 'out pointer',
  }),
  TopologyDescription_Destroy: fn(83, { topology: 'pointer' }),
  TopologyDescription_PlatformName: fn(84, { topology: 'pointer', platform_name: 'out text' }),
  TopologyDescription_PlatformVersion: fn(85, { topology: 'pointer', platform_version: 'out text' }),
  TopologyDescription_GetDeviceDescriptions: fn(86, { topology: 'pointer', descriptions: 'out handles' }),
  Compile: fn(89, {
    topology: 'pointer',
    program: 'pointer',
    compile_options: 'text',
    client: 'pointer',
    executable: 'out pointer',
  }),

  Executable_OutputElementTypes: fn(90, {
    executable: 'pointer',
    output_types: 'out pointer',
    num_output_types: 'out size',
  }),
  Executable_OutputDimensions: fn(91, {
    executable: 'pointer',
    num_outputs: 'size',
    dims: 'out pointer',
    dim_sizes: 'out pointer',
  }),
  Executable_Fingerprint: fn(94, { executable: 'pointer', executable_fingerprint: 'out text' }),
  Executable_GetCompiledMemoryStats: fn(96, {
    executable: 'pointer',
    generated_code_size_in_bytes: 'out int64',
    argument_size_in_bytes: 'out int64',
    output_size_in_bytes: 'out int64',
    alias_size_in_bytes: 'out int64',
    temp_size_in_bytes: 'out int64',
    host_generated_code_size_in_bytes: 'out int64',
    host_argument_size_in_bytes: 'out int64',
    host_output_size_in_bytes: 'out int64',
    host_alias_size_in_bytes: 'out int64',
    host_temp_size_in_bytes: 'out int64',
    peak_memory_in_bytes: ['out int64', 72],
    total_size_in_bytes: ['out int64', 90],
    total_allocation_bytes: ['out int64', 104],
    indefinite_allocations: ['out int64', 104],
    peak_unpadded_heap_bytes: ['out int64', 104],
  }),
} as const;

export type FunctionName = keyof typeof FUNCTIONS;

/** The fields of a function's argument struct. */
export type FieldsOf<N extends FunctionName> = (typeof FUNCTIONS)[N] extends { args: StructType<infer F> } ? F : never;

function fn<const F extends Fields>(slot: number, fields: F): { readonly slot: number; readonly args: StructType<F> } {
  return { slot, args: new StructType(fields) };
}

/** A program for the compiler, or room for one from it. */
export const PROGRAM = new StructType({ code: 'pointer', code_size: 'inout size', format: 'inout text' });

/** How to run a program; we need none of it, so every field is zero. */
export const EXECUTE_OPTIONS = new StructType({
  send_callbacks: 'pointer',
  recv_callbacks: 'pointer',
  num_send_ops: 'size',
  num_recv_ops: 'size',
  launch_id: 'int',
  non_donatable_input_indices: 'int64s',
  context: ['pointer', 64],
  call_location: ['pointer', 76],
  num_tasks: ['size', 78],
  task_ids: ['pointer', 78],
  incarnation_ids: ['pointer', 78],
  multi_slice_config: ['pointer', 97],
  use_major_to_minor_data_layout_for_callbacks: ['bool', 107],
  hlo_output_callbacks: ['pointer', 107],
  num_hlo_output_callbacks: ['size', 107],
});

/** The order of an array in memory: a `PJRT_Buffer_MemoryLayout` whose union is a `PJRT_Buffer_MemoryLayout_Tiled`. */
export const MEMORY_LAYOUT = new StructType({
  tiled_struct_size: 'size',
  tiled_extension_start: 'pointer',
  minor_to_major: 'int64s',
  tile_dims: 'pointer',
  tile_dim_sizes: 'pointer',
  num_tiles: 'size',
  type: 'int',
});
