// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/src/fanfold.rs: change that, then run it.
extension PluginTemplates {
    static let rustValues = #"""
        //! What crosses the contract, without a raw pointer: failures and the barrier that no panic
        //! passes, blobs that give themselves back, the host and its calls.
        #![allow(dead_code)]

        use crate::ffi;
        use std::any::Any;
        use std::ffi::{c_void, CStr};
        use std::panic::{catch_unwind, AssertUnwindSafe};
        use std::ptr::{null, null_mut};
        use std::sync::atomic::{AtomicBool, Ordering};
        use std::sync::Arc;

        /// What went wrong, and what would make another try worth it.
        #[derive(Clone, Debug)]
        pub struct Fail {
            pub code: i32,
            pub retry: u32,
            pub retry_after_ms: u32,
            pub reason: String,
            pub message: String,
        }

        impl Fail {
            /// A failure that no other try will help.
            pub fn new(code: i32, reason: &str, message: impl Into<String>) -> Fail {
                let code = if code == ffi::OK { ffi::UNKNOWN } else { code };
                let (reason, message) = (reason.to_string(), message.into());
                Fail { code, retry: ffi::NEVER, retry_after_ms: 0, reason, message }
            }

            pub fn retry(mut self, retry: u32, after_ms: u32) -> Fail {
                (self.retry, self.retry_after_ms) = (retry, after_ms);
                self
            }

            pub fn fill(&self, err: &mut ffi::Error) {
                err.code = self.code;
                err.retry = self.retry;
                err.retry_after_ms = self.retry_after_ms;
                copy(&mut err.reason, &self.reason);
                copy(&mut err.message, &self.message);
            }

            pub fn read(err: &ffi::Error) -> Fail {
                let text = |field: &[u8]| {
                    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
                    String::from_utf8_lossy(&field[..end]).into_owned()
                };
                Fail::new(err.code, &text(&err.reason), text(&err.message))
                    .retry(err.retry, err.retry_after_ms)
            }

            fn of_panic(panic: Box<dyn Any + Send>) -> Fail {
                let said = panic
                    .downcast_ref::<&str>()
                    .map(|text| text.to_string())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "without a reason".into());
                Fail::new(ffi::INTERNAL, "plugin.panic", format!("the plugin panicked: {said}"))
            }
        }

        /// Copies text and a zero, cut where a character ends.
        fn copy(field: &mut [u8], text: &str) {
            let text = text.trim_end_matches('\n').split('\0').next().unwrap_or("");
            let mut end = text.len().min(field.len() - 1);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            field[..end].copy_from_slice(&text.as_bytes()[..end]);
            field[end] = 0;
        }

        /// Runs the body; a panic becomes a failure.
        pub fn guarded(body: impl FnOnce() -> Result<(), Fail>) -> Result<(), Fail> {
            catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(Fail::of_panic(panic)))
        }

        /// Runs one call of the host: what fails fills `err`, if there is one.
        ///
        /// # Safety
        /// `err` must be null or point to an error that the host lends.
        pub unsafe fn barrier(err: *mut ffi::Error, body: impl FnOnce() -> Result<(), Fail>) -> i32 {
            match guarded(body) {
                Ok(()) => ffi::OK,
                Err(fail) => {
                    if let Some(err) = err.as_mut() {
                        fail.fill(err);
                    }
                    fail.code
                }
            }
        }

        /// A table of the host; one that states a smaller size than the contract's is not touched.
        ///
        /// # Safety
        /// `table` must point to its size at least, with which every table begins.
        pub unsafe fn whole<T>(table: *const T) -> Result<*const T, Fail> {
            if (*table.cast::<u32>() as usize) < std::mem::size_of::<T>() {
                return Err(Fail::new(ffi::PRECONDITION, "host", "a table of the host is too short"));
            }
            Ok(table)
        }

        /// A blob that somebody owns; given back when dropped, unless handed over.
        pub struct Blob(pub ffi::Blob);

        // Safe: a blob may be released on any thread, and its bytes are only read.
        unsafe impl Send for Blob {}

        impl Blob {
            pub fn empty(kind: u32) -> ffi::Blob {
                ffi::Blob {
                    kind,
                    flags: 0,
                    data: null(),
                    kind_data: null(),
                    size: 0,
                    offset: 0,
                    handle: 0,
                    owner: null_mut(),
                    release: None,
                }
            }

            pub fn bytes(bytes: Vec<u8>) -> Blob {
                unsafe extern "C" fn release(blob: *mut ffi::Blob) {
                    drop(Box::from_raw((*blob).owner.cast::<Vec<u8>>()));
                    (*blob).release = None;
                }
                let mut raw = Blob::empty(ffi::BLOB_BYTES);
                let owner = Box::new(bytes);
                (raw.data, raw.size) = (owner.as_ptr().cast(), owner.len() as u64);
                raw.owner = Box::into_raw(owner).cast();
                raw.release = Some(release);
                Blob(raw)
            }

            /// A slice of a task's input, by reference.
            pub fn items(input: i64, first: u64, count: u64) -> Blob {
                let raw = Blob::empty(ffi::BLOB_ITEMS);
                Blob(ffi::Blob { handle: input, offset: first, size: count, ..raw })
            }

            /// Takes over a blob of the host; one that it lends has no release, and stays the host's.
            ///
            /// # Safety
            /// `theirs` must point to a blob that the host hands over or lends.
            pub unsafe fn take(theirs: *mut ffi::Blob) -> Blob {
                let blob = Blob(std::ptr::read(theirs));
                if (*theirs).release.is_some() {
                    (*theirs).release = None;
                }
                blob
            }

            /// Gives the blob away: whoever takes the struct releases it.
            pub fn give(self) -> ffi::Blob {
                let kept = std::mem::ManuallyDrop::new(self);
                // Safe: it is not dropped, so the blob has one owner.
                unsafe { std::ptr::read(&kept.0) }
            }
        }

        impl Drop for Blob {
            fn drop(&mut self) {
                if let Some(release) = self.0.release {
                    // Safe: the blob is owned here, and its release is called once.
                    unsafe { release(&mut self.0) }
                }
            }
        }

        /// The bytes of parts that the host lends for a call.
        ///
        /// # Safety
        /// `parts` must point to `count` blobs that stay as they are until the call ends.
        pub unsafe fn lent_bytes<'a>(parts: *const ffi::Blob, count: u32) -> Result<Vec<&'a [u8]>, Fail> {
            let bytes = |part: &ffi::Blob| {
                if part.kind != ffi::BLOB_BYTES && part.kind != ffi::BLOB_NONE {
                    let found = format!("wanted a part that holds bytes, found kind {}", part.kind);
                    return Err(Fail::new(ffi::UNIMPLEMENTED, "parts", found));
                }
                if part.data.is_null() && part.size > 0 {
                    return Err(Fail::new(ffi::INVALID, "parts", "a part has a size and no address"));
                }
                Ok(ffi::View { data: part.data, size: part.size }.bytes())
            };
            match count {
                0 => Ok(Vec::new()),
                _ => std::slice::from_raw_parts(parts, count as usize).iter().map(bytes).collect(),
            }
        }

        /// What the host offers; good for as long as the instance.
        #[derive(Clone, Copy)]
        pub struct Host(pub *const ffi::Host);

        // Safe: the host allows its functions on any thread.
        unsafe impl Send for Host {}
        unsafe impl Sync for Host {}

        /// What a server answered.
        pub struct Answer {
            pub status: i32,
            pub headers: Vec<u8>,
            pub body: Vec<u8>,
        }

        type AnswerDone = Box<dyn FnOnce(Answer) -> Result<(), Fail>>;
        type Later = (CallRef, Box<dyn FnOnce() -> Result<(), Fail>>);

        impl Host {
            pub fn warn(&self, message: &CStr) {
                // Safe: the host lives as long as the instance.
                unsafe { ((*self.0).log)(self.0, ffi::LOG_WARN, message.as_ptr(), ffi::View::of("")) }
            }

            fn service<T>(&self, id: &CStr) -> Option<&T> {
                // Safe: a table begins with its size, and is as long as it says.
                unsafe {
                    let table = ((*self.0).service)(self.0, id.as_ptr());
                    let size = table.cast::<u32>().as_ref()?;
                    (*size as usize >= std::mem::size_of::<T>()).then(|| &*table.cast::<T>())
                }
            }

            pub fn has_http(&self) -> bool {
                self.service::<ffi::Http>(c"fanfold.http/1").is_some()
            }

            pub fn has_lane(&self) -> bool {
                self.service::<ffi::Lane>(c"fanfold.lane/1").is_some()
            }

            /// Sends a request of fanfold.http/1; `done` runs on the lane, and what fails ends the call.
            pub fn fetch(
                &self, call: &CallRef, request: &str, body: Vec<u8>,
                done: impl FnOnce(Answer) -> Result<(), Fail> + 'static,
            ) -> Result<(), Fail> {
                type Pending = (CallRef, AnswerDone);
                unsafe extern "C" fn arrived(
                    user: *mut c_void, err: *const ffi::Error, status: i32, headers: ffi::View,
                    body: *mut ffi::Blob,
                ) {
                    let (call, done) = *Box::from_raw(user.cast::<Pending>());
                    let body = (!body.is_null()).then(|| Blob::take(body));
                    call.attempt(|| {
                        if let Some(err) = err.as_ref().filter(|err| err.code != ffi::OK) {
                            return Err(Fail::read(err));
                        }
                        let body = match &body {
                            Some(body) => lent_bytes(&body.0, 1)?[0].to_vec(),
                            None => Vec::new(),
                        };
                        done(Answer { status, headers: headers.bytes().to_vec(), body })
                    });
                }
                let http = self.service::<ffi::Http>(c"fanfold.http/1").ok_or(missing("http"))?;
                let pending: Box<Pending> = Box::new((call.clone(), Box::new(done)));
                let user = Box::into_raw(pending).cast();
                let mut blob = (!body.is_empty()).then(|| Blob::bytes(body).give());
                let body = blob.as_mut().map_or(null_mut(), |blob| blob as *mut _);
                // Safe: the host takes the body over and calls `arrived` once with `user`.
                unsafe { (http.fetch)(self.0, call.op, ffi::View::of(request), body, arrived, user) };
                Ok(())
            }

            /// Runs `work` on the lane after a while; what fails ends the call.
            pub fn after(
                &self, nanoseconds: u64, call: &CallRef,
                work: impl FnOnce() -> Result<(), Fail> + 'static,
            ) -> Result<(), Fail> {
                unsafe extern "C" fn run(user: *mut c_void) {
                    let (call, work) = *Box::from_raw(user.cast::<Later>());
                    call.attempt(work);
                }
                let lane = self.service::<ffi::Lane>(c"fanfold.lane/1").ok_or(missing("lane"))?;
                let later: Box<Later> = Box::new((call.clone(), Box::new(work)));
                // Safe: the host calls `run` once with the box.
                unsafe { (lane.after)(self.0, nanoseconds, run, Box::into_raw(later).cast()) };
                Ok(())
            }
        }

        /// A service that the host withholds.
        pub fn missing(name: &str) -> Fail {
            let id = format!("fanfold.{name}/1");
            let wanted = format!("wanted the service {id}, which this host withholds");
            Fail::new(ffi::PRECONDITION, &format!("service.{id}"), wanted)
        }

        pub type CallRef = Arc<Call>;

        /// An asynchronous call that waits for its one answer.  Let go of without one, it fails.
        pub struct Call {
            host: Host,
            pub op: u64,
            answered: AtomicBool,
        }

        impl Call {
            pub fn new(host: Host, op: u64) -> Call {
                Call { host, op, answered: AtomicBool::new(false) }
            }

            pub fn is_cancelled(&self) -> bool {
                // Safe: the host lives as long as the instance.
                unsafe { ((*self.host.0).cancelled)(self.host.0, self.op) != 0 }
            }

            pub fn check_cancelled(&self) -> Result<(), Fail> {
                match self.is_cancelled() {
                    true => Err(Fail::new(ffi::CANCELLED, "cancelled", "it is not wanted any more")),
                    false => Ok(()),
                }
            }

            /// Says something before the end.  False: the host is busy, try again later.
            pub fn emit(&self, json: &str) -> Result<bool, Fail> {
                // Safe: the host lives as long as the instance.
                let code = unsafe {
                    ((*self.host.0).emit)(self.host.0, self.op, ffi::View::of(json), null_mut(), 0)
                };
                match code {
                    ffi::OK => Ok(true),
                    ffi::EXHAUSTED => Ok(false),
                    code => Err(Fail::new(code, "emit", "the host takes no more before the end")),
                }
            }

            pub fn succeed(&self, json: &str, parts: Vec<Blob>) {
                self.answer(null(), json, parts)
            }

            pub fn fail(&self, fail: &Fail, json: &str) {
                // Safe: all zero is a valid error.
                let mut err: ffi::Error = unsafe { std::mem::zeroed() };
                err.struct_size = std::mem::size_of::<ffi::Error>() as u32;
                fail.fill(&mut err);
                self.answer(&err, json, Vec::new())
            }

            /// Runs a part of the call; what fails, or panics, is its answer.
            pub fn attempt(&self, body: impl FnOnce() -> Result<(), Fail>) {
                if let Err(fail) = guarded(body) {
                    self.fail(&fail, "");
                }
            }

            fn answer(&self, err: *const ffi::Error, json: &str, parts: Vec<Blob>) {
                if self.answered.swap(true, Ordering::AcqRel) {
                    return self.host.warn(c"a call was answered more than once; the first counts");
                }
                let mut parts: Vec<ffi::Blob> = parts.into_iter().map(Blob::give).collect();
                let (start, count) = (parts.as_mut_ptr(), parts.len() as u32);
                // Safe: the host lives as long as the instance, and takes the parts over.
                unsafe {
                    ((*self.host.0).complete)(self.host.0, self.op, err, ffi::View::of(json), start, count)
                }
            }
        }

        impl Drop for Call {
            fn drop(&mut self) {
                if !*self.answered.get_mut() {
                    let what = "the plugin let go of the call without an answer; tell its author";
                    self.fail(&Fail::new(ffi::INTERNAL, "plugin.dropped", what), "");
                }
            }
        }

        """#
}
