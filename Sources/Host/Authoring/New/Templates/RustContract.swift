// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/src/ffi.rs: change that, then run it.
extension PluginTemplates {
    static let rustContract = #"""
        //! The part of fanfold_plugin.h that a strategy needs, and the barrier that no panic passes.
        //!
        //! Field by field the header's structs; the asserts below fail the build if one differs.

        use std::ffi::{c_char, c_void};
        use std::mem::{offset_of, size_of};
        use std::panic::{catch_unwind, AssertUnwindSafe};

        pub const OK: i32 = 0;
        pub const CANCELLED: i32 = 1;
        pub const INVALID: i32 = 3;
        pub const NOT_FOUND: i32 = 5;
        pub const EXISTS: i32 = 6;
        pub const INTERNAL: i32 = 13;

        pub const BLOB_ITEMS: u32 = 6;
        pub const KIND_STRATEGY: u32 = 1;
        pub const SPLIT_MORE: u32 = 0;
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

        /// A blob of the host that this plugin keeps; given back when dropped, unless handed over.
        pub struct Kept(pub Blob);

        impl Drop for Kept {
            fn drop(&mut self) {
                if let Some(release) = self.0.release {
                    // Safe: the blob is owned here, and its release is called once.
                    unsafe { release(&mut self.0) }
                }
            }
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
        pub type Host = c_void; // nothing is asked of the host here

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
            assert!(size_of::<Plugin>() == 40 && offset_of!(Plugin, destroy) == 32);
        };

        /// What went wrong: a code, a reason for programs, a message for people.
        pub struct Fail(pub i32, pub &'static str, pub String);

        /// Runs one call of the host: an error fills `err`, a panic becomes an internal error.
        ///
        /// # Safety
        /// `err` must be null or point to an error that the host lends.
        pub unsafe fn barrier(err: *mut Error, body: impl FnOnce() -> Result<(), Fail>) -> i32 {
            let Fail(code, reason, message) = match catch_unwind(AssertUnwindSafe(body)) {
                Ok(Ok(())) => return OK,
                Ok(Err(fail)) => fail,
                Err(_) => Fail(INTERNAL, "panic", "the plugin panicked; report it to its author".into()),
            };
            if let Some(err) = err.as_mut() {
                err.code = code;
                err.retry = 0;
                fill(&mut err.reason, reason);
                fill(&mut err.message, &message);
            }
            code
        }

        /// Copies text and a zero, cut where a character ends.
        fn fill(field: &mut [u8], text: &str) {
            let mut end = text.len().min(field.len() - 1);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            field[..end].copy_from_slice(&text.as_bytes()[..end]);
            field[end] = 0;
        }

        """#
}
