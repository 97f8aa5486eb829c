// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/src/ffi.rs: change that, then run it.
extension PluginTemplates {
    static let rustContract = #"""
        //! fanfold_plugin.h field by field; the asserts below fail the build if one differs.
        #![allow(dead_code)]

        use std::ffi::{c_char, c_void};
        use std::mem::{offset_of, size_of};

        pub const OK: i32 = 0;
        pub const CANCELLED: i32 = 1;
        pub const UNKNOWN: i32 = 2;
        pub const INVALID: i32 = 3;
        pub const NOT_FOUND: i32 = 5;
        pub const EXISTS: i32 = 6;
        pub const DENIED: i32 = 7;
        pub const EXHAUSTED: i32 = 8;
        pub const PRECONDITION: i32 = 9;
        pub const UNIMPLEMENTED: i32 = 12;
        pub const INTERNAL: i32 = 13;
        pub const UNAVAILABLE: i32 = 14;
        pub const UNAUTHENTICATED: i32 = 16;

        pub const NEVER: u32 = 0;
        pub const LATER: u32 = 1;
        pub const ELSEWHERE: u32 = 2;
        pub const RENEWED: u32 = 3;

        pub const BLOB_NONE: u32 = 0;
        pub const BLOB_BYTES: u32 = 1;
        pub const BLOB_ITEMS: u32 = 6;
        pub const KIND_STRATEGY: u32 = 1;
        pub const KIND_PROVIDER: u32 = 2;
        pub const KIND_EXECUTOR: u32 = 3;
        pub const KIND_POLICY: u32 = 4;
        pub const CONCURRENT: u32 = 1;
        pub const LOG_WARN: i32 = 3;
        pub const SPLIT_MORE: u32 = 0;
        pub const SPLIT_WAIT: u32 = 1;
        pub const SPLIT_END: u32 = 2;
        pub const FAILED_TASK: u32 = 3;

        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct View {
            pub data: *const c_void,
            pub size: u64,
        }

        impl View {
            pub fn of(text: &str) -> View {
                View { data: text.as_ptr().cast(), size: text.len() as u64 }
            }

            /// The bytes, borrowed until the call returns.
            ///
            /// # Safety
            /// `data` must point to `size` bytes, or `size` be 0.
            pub unsafe fn bytes<'a>(self) -> &'a [u8] {
                if self.data.is_null() || self.size == 0 {
                    return &[];
                }
                std::slice::from_raw_parts(self.data.cast(), self.size as usize)
            }
        }

        #[repr(C)]
        pub struct Blob {
            pub kind: u32,
            pub flags: u32,
            pub data: *const c_void,
            pub kind_data: *const c_void,
            pub size: u64,
            pub offset: u64,
            pub handle: i64,
            pub owner: *mut c_void,
            pub release: Option<unsafe extern "C" fn(*mut Blob)>,
        }

        #[repr(C)]
        pub struct Error {
            pub struct_size: u32,
            pub code: i32,
            pub retry: u32,
            pub retry_after_ms: u32,
            pub reason: [u8; 64],
            pub message: [u8; 432],
        }

        #[repr(C)]
        pub struct Subtask {
            pub struct_size: u32,
            pub part_count: u32,
            pub id: u64,
            pub spec: View,
            pub parts: *mut Blob,
        }

        #[repr(C)]
        pub struct TaskResult {
            pub struct_size: u32,
            pub part_count: u32,
            pub subtask: u64,
            pub json: View,
            pub parts: *mut Blob,
        }

        #[repr(C)]
        pub struct Sink {
            pub struct_size: u32,
            pub reserved: u32,
            pub sink_data: *mut c_void,
            pub subtask: unsafe extern "C" fn(*const Sink, *const Subtask) -> i32,
            pub withdraw: unsafe extern "C" fn(*const Sink, u64) -> i32,
            pub output: unsafe extern "C" fn(*const Sink, View, *mut Blob, u32) -> i32,
        }

        pub type Instance = *mut c_void;

        #[repr(C)]
        pub struct Call {
            pub struct_size: u32,
            pub flags: u32,
            pub op: u64,
            pub deadline: u64,
            pub traceparent: *const c_char,
        }

        #[repr(C)]
        pub struct Host {
            pub struct_size: u32,
            pub abi_minor: u32,
            pub host_data: *mut c_void,
            pub name: *const c_char,
            pub version: *const c_char,
            pub service: unsafe extern "C" fn(*const Host, *const c_char) -> *const c_void,
            pub log: unsafe extern "C" fn(*const Host, i32, *const c_char, View),
            pub now: unsafe extern "C" fn(*const Host) -> u64,
            pub emit: unsafe extern "C" fn(*const Host, u64, View, *mut Blob, u32) -> i32,
            pub complete:
                unsafe extern "C" fn(*const Host, u64, *const Error, View, *mut Blob, u32),
            pub cancelled: unsafe extern "C" fn(*const Host, u64) -> i32,
        }

        pub type Work = unsafe extern "C" fn(*mut c_void);

        #[repr(C)]
        pub struct Lane {
            pub struct_size: u32,
            pub reserved: u32,
            pub post: unsafe extern "C" fn(*const Host, Work, *mut c_void),
            pub after: unsafe extern "C" fn(*const Host, u64, Work, *mut c_void),
            pub spawn: unsafe extern "C" fn(*const Host, Work, *mut c_void),
        }

        pub type Done = unsafe extern "C" fn(*mut c_void, *const Error, i32, View, *mut Blob);

        #[repr(C)]
        pub struct Http {
            pub struct_size: u32,
            pub reserved: u32,
            pub fetch: unsafe extern "C" fn(*const Host, u64, View, *mut Blob, Done, *mut c_void),
        }

        #[repr(C)]
        pub struct Executor {
            pub struct_size: u32,
            pub reserved: u32,
            pub load: unsafe extern "C" fn(Instance, *const Call, u64, View, *const Blob, u32),
            pub run: unsafe extern "C" fn(Instance, *const Call, u64, *const Subtask),
            pub unload: unsafe extern "C" fn(Instance, u64),
        }

        #[repr(C)]
        pub struct Policy {
            pub struct_size: u32,
            pub reserved: u32,
            pub predict: unsafe extern "C" fn(Instance, View, *const Sink, *mut Error) -> i32,
            pub observe: unsafe extern "C" fn(Instance, View),
            pub place: unsafe extern "C" fn(Instance, View, *const Sink, *mut Error) -> i32,
        }

        #[repr(C)]
        pub struct Provider {
            pub struct_size: u32,
            pub reserved: u32,
            pub check: unsafe extern "C" fn(Instance, *const Call),
            pub offerings: unsafe extern "C" fn(Instance, *const Call, View),
            pub launch: unsafe extern "C" fn(Instance, *const Call, View),
            pub describe: unsafe extern "C" fn(Instance, *const Call, View),
            pub terminate: unsafe extern "C" fn(Instance, *const Call, View),
        }

        #[repr(C)]
        pub struct Strategy {
            pub struct_size: u32,
            pub reserved: u32,
            pub begin:
                unsafe extern "C" fn(Instance, u64, View, *const Blob, u32, *mut Error) -> i32,
            pub split:
                unsafe extern "C" fn(Instance, u64, u32, *const Sink, *mut u32, *mut Error) -> i32,
            pub on_result:
                unsafe extern "C" fn(Instance, u64, *const TaskResult, *const Sink, *mut Error) -> i32,
            pub on_failure: unsafe extern "C" fn(
                Instance, u64, u64, *const Error, u32, *const Sink, *mut u32, *mut Error,
            ) -> i32,
            pub on_capacity:
                Option<unsafe extern "C" fn(Instance, u64, View, *const Sink, *mut Error) -> i32>,
            pub resplit: Option<unsafe extern "C" fn(Instance, u64, u64, *const Sink, *mut Error) -> i32>,
            pub finish: unsafe extern "C" fn(Instance, u64, *const Sink, *mut Error) -> i32,
            pub end: unsafe extern "C" fn(Instance, u64),
        }

        #[repr(C)]
        pub struct Component {
            pub struct_size: u32,
            pub kind: u32,
            pub flags: u32,
            pub needs_minor: u32,
            pub id: *const c_char,
            pub version: *const c_char,
            pub summary: *const c_char,
            pub vendor: *const c_char,
            pub license: *const c_char,
            pub url: *const c_char,
            pub config_schema: *const c_char,
            pub needs_services: *const *const c_char,
        }

        #[repr(C)]
        pub struct Plugin {
            pub struct_size: u32,
            pub built_minor: u32,
            pub components: *const *const Component,
            pub create: unsafe extern "C" fn(
                *const Component, *const Host, View, *mut Instance, *mut Error,
            ) -> i32,
            pub query: unsafe extern "C" fn(Instance, *const c_char) -> *const c_void,
            pub destroy: unsafe extern "C" fn(Instance),
        }

        /// Constant data that holds pointers: every thread may read it.
        #[repr(transparent)]
        pub struct Constant<T>(pub T);
        unsafe impl<T> Sync for Constant<T> {}

        const _: () = {
            assert!(size_of::<View>() == 16);
            assert!(size_of::<Blob>() == 64 && offset_of!(Blob, release) == 56);
            assert!(size_of::<Error>() == 512 && offset_of!(Error, message) == 80);
            assert!(size_of::<Subtask>() == 40 && offset_of!(Subtask, parts) == 32);
            assert!(size_of::<TaskResult>() == 40 && offset_of!(TaskResult, parts) == 32);
            assert!(size_of::<Sink>() == 40 && offset_of!(Sink, output) == 32);
            assert!(size_of::<Strategy>() == 72 && offset_of!(Strategy, end) == 64);
            assert!(size_of::<Component>() == 80 && offset_of!(Component, needs_services) == 72);
            assert!(size_of::<Call>() == 32 && offset_of!(Call, deadline) == 16);
            assert!(size_of::<Host>() == 80 && offset_of!(Host, cancelled) == 72);
            assert!(size_of::<Lane>() == 32 && size_of::<Http>() == 16);
            assert!(size_of::<Executor>() == 32 && offset_of!(Executor, unload) == 24);
            assert!(size_of::<Policy>() == 32 && offset_of!(Policy, place) == 24);
            assert!(size_of::<Provider>() == 48 && offset_of!(Provider, terminate) == 40);
            assert!(size_of::<Plugin>() == 40 && offset_of!(Plugin, destroy) == 32);
        };

        """#
}
