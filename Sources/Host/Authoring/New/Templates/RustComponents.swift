// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/src/components.rs: change that, then run it.
extension PluginTemplates {
    static let rustComponents = #"""
        //! Strategies, executors and providers as traits, and the tables that the host calls them by.
        //! `export!(AsStrategy<Rows>)` is the one symbol of a plugin.
        #![allow(dead_code)]

        use crate::fanfold::*;
        use crate::ffi::{self, Instance, View};
        use std::collections::BTreeMap;
        use std::ffi::{c_char, c_void, CStr};
        use std::marker::PhantomData;
        use std::mem::size_of;
        use std::ptr::{null, null_mut};
        use std::sync::{Arc, RwLock};

        /// Who a component is.
        pub struct About {
            pub id: &'static CStr,
            pub version: &'static CStr,
            pub summary: &'static CStr,
            pub license: &'static CStr,
            pub config_schema: &'static CStr,
            pub needs_services: Option<&'static [*const c_char]>,
        }

        /// Splits tasks.  One value for each instance, one `Task` for each task.
        pub trait Strategy: Sized {
            const ABOUT: About;
            type Task: Task;
            fn create(host: Host, config: &[u8]) -> Result<Self, Fail>;
            fn begin(&mut self, spec: &[u8], inputs: u32) -> Result<Self::Task, Fail>;
        }

        /// One task of a strategy.
        pub trait Task {
            /// Hands out up to `want` subtasks; answers SPLIT_*.
            fn split(&mut self, want: u32, sink: &Sink) -> Result<u32, Fail>;
            /// Looks at a result; true to be given its parts by `keep`.
            fn on_result(&mut self, subtask: u64, json: &[u8], sink: &Sink) -> Result<bool, Fail>;
            fn keep(&mut self, subtask: u64, parts: Vec<Blob>);
            /// Answers FAILED_*.
            fn on_failure(&mut self, _subtask: u64, _why: Fail, _sink: &Sink) -> Result<u32, Fail> {
                Ok(ffi::FAILED_TASK)
            }
            fn finish(&mut self, sink: &Sink) -> Result<(), Fail>;
        }

        /// Runs subtasks.  Calls overlap if it says so: what changes is behind a lock.
        pub trait Executor: Sized + Send + Sync {
            const ABOUT: About;
            const IS_CONCURRENT: bool;
            type Module: Send + Sync;
            fn create(host: Host, config: &[u8]) -> Result<Self, Fail>;
            fn load(&self, call: &Call, spec: &[u8], parts: &[&[u8]]) -> Result<Self::Module, Fail>;
            /// Answers the bytes of the output.
            fn run(
                &self, call: &Call, module: &Self::Module, spec: &[u8], parts: &[&[u8]],
            ) -> Result<Vec<u8>, Fail>;
        }

        /// Rents workers.  Keeps no state: the tags on the workers are the database.
        pub trait Provider: Sized + 'static {
            const ABOUT: About;
            fn create(host: Host, config: &[u8]) -> Result<Self, Fail>;
            fn check(self: &Arc<Self>, call: &CallRef) -> Result<(), Fail>;
            fn offerings(self: &Arc<Self>, call: &CallRef, query: &[u8]) -> Result<(), Fail>;
            fn launch(self: &Arc<Self>, call: &CallRef, request: &[u8]) -> Result<(), Fail>;
            fn describe(self: &Arc<Self>, call: &CallRef, query: &[u8]) -> Result<(), Fail>;
            fn terminate(self: &Arc<Self>, call: &CallRef, request: &[u8]) -> Result<(), Fail>;
        }

        /// Where a strategy puts what it decides.  Valid in the call.
        pub struct Sink(pub *const ffi::Sink);

        impl Sink {
            pub fn subtask(&self, id: u64, spec: &str, parts: Vec<Blob>) -> Result<(), Fail> {
                self.hand_over(parts, |sink, parts, part_count| unsafe {
                    let struct_size = size_of::<ffi::Subtask>() as u32;
                    let spec = View::of(spec);
                    (sink.subtask)(sink, &ffi::Subtask { struct_size, part_count, id, spec, parts })
                })
            }

            pub fn output(&self, json: &str, parts: Vec<Blob>) -> Result<(), Fail> {
                self.hand_over(parts, |sink, parts, count| unsafe {
                    (sink.output)(sink, View::of(json), parts, count)
                })
            }

            /// Offers blobs to the host; what it does not take is released.
            fn hand_over(
                &self, parts: Vec<Blob>, offer: impl FnOnce(&ffi::Sink, *mut ffi::Blob, u32) -> i32,
            ) -> Result<(), Fail> {
                let mut raw: Vec<ffi::Blob> = parts.into_iter().map(Blob::give).collect();
                // Safe: the sink is valid during the call it was made for.
                let code = offer(unsafe { &*self.0 }, raw.as_mut_ptr(), raw.len() as u32);
                if code == ffi::OK {
                    return Ok(());
                }
                raw.into_iter().for_each(|blob| drop(Blob(blob)));
                Err(Fail::new(code, "sink", "the host took no more"))
            }
        }

        /// A kind of component, as `export!` wants it.
        pub trait Kind {
            const ABOUT: About;
            const KIND: u32;
            const FLAGS: u32 = 0;
            const INTERFACE: &'static CStr;
            type Instance;
            fn make(host: Host, config: &[u8]) -> Result<Self::Instance, Fail>;
            fn table() -> *const c_void;
        }

        pub struct AsStrategy<S>(PhantomData<S>);
        pub struct AsExecutor<E>(PhantomData<E>);
        pub struct AsProvider<P>(PhantomData<P>);

        pub struct StrategyInstance<S: Strategy> {
            strategy: S,
            tasks: BTreeMap<u64, S::Task>,
        }

        impl<S: Strategy> StrategyInstance<S> {
            fn task(&mut self, id: u64) -> Result<&mut S::Task, Fail> {
                let none = || Fail::new(ffi::NOT_FOUND, "task", format!("no task {id} has begun"));
                self.tasks.get_mut(&id).ok_or_else(none)
            }
        }

        unsafe fn instance<'a, T>(raw: Instance) -> &'a mut T {
            &mut *raw.cast::<T>()
        }

        impl<S: Strategy> Kind for AsStrategy<S> {
            const ABOUT: About = S::ABOUT;
            const KIND: u32 = ffi::KIND_STRATEGY;
            const INTERFACE: &'static CStr = c"fanfold.strategy/1";
            type Instance = StrategyInstance<S>;

            fn make(host: Host, config: &[u8]) -> Result<Self::Instance, Fail> {
                Ok(StrategyInstance { strategy: S::create(host, config)?, tasks: BTreeMap::new() })
            }

            fn table() -> *const c_void {
                (&raw const *Self::TABLE).cast()
            }
        }

        impl<S: Strategy> AsStrategy<S> {
            const TABLE: &'static ffi::Strategy = &ffi::Strategy {
                struct_size: size_of::<ffi::Strategy>() as u32,
                reserved: 0,
                begin: Self::begin,
                split: Self::split,
                on_result: Self::on_result,
                on_failure: Self::on_failure,
                on_capacity: None,
                resplit: None,
                finish: Self::finish,
                end: Self::end,
            };

            unsafe fn of<'a>(raw: Instance) -> &'a mut StrategyInstance<S> {
                instance(raw)
            }

            unsafe extern "C" fn begin(
                this: Instance, id: u64, spec: View, _: *const ffi::Blob, n: u32, err: *mut ffi::Error,
            ) -> i32 {
                barrier(err, || {
                    let this = Self::of(this);
                    if this.tasks.contains_key(&id) {
                        let message = format!("the task {id} has begun already");
                        return Err(Fail::new(ffi::EXISTS, "task", message));
                    }
                    let task = this.strategy.begin(spec.bytes(), n)?;
                    this.tasks.insert(id, task);
                    Ok(())
                })
            }

            unsafe extern "C" fn split(
                this: Instance, id: u64, want: u32, sink: *const ffi::Sink, state: *mut u32,
                err: *mut ffi::Error,
            ) -> i32 {
                barrier(err, || {
                    *state = Self::of(this).task(id)?.split(want, &Sink(whole(sink)?))?;
                    Ok(())
                })
            }

            unsafe extern "C" fn on_result(
                this: Instance, id: u64, result: *const ffi::TaskResult, sink: *const ffi::Sink,
                err: *mut ffi::Error,
            ) -> i32 {
                barrier(err, || {
                    let (task, result) = (Self::of(this).task(id)?, &*whole(result)?);
                    if !task.on_result(result.subtask, result.json.bytes(), &Sink(whole(sink)?))? {
                        return Ok(()); // the parts stay the host's
                    }
                    let parts = (0..result.part_count as usize).map(|i| Blob::take(result.parts.add(i)));
                    task.keep(result.subtask, parts.collect());
                    Ok(())
                })
            }

            unsafe extern "C" fn on_failure(
                this: Instance, id: u64, subtask: u64, why: *const ffi::Error, _: u32,
                sink: *const ffi::Sink, verdict: *mut u32, err: *mut ffi::Error,
            ) -> i32 {
                barrier(err, || {
                    let task = Self::of(this).task(id)?;
                    *verdict = task.on_failure(subtask, Fail::read(&*why), &Sink(whole(sink)?))?;
                    Ok(())
                })
            }

            unsafe extern "C" fn finish(
                this: Instance, id: u64, sink: *const ffi::Sink, err: *mut ffi::Error,
            ) -> i32 {
                barrier(err, || Self::of(this).task(id)?.finish(&Sink(whole(sink)?)))
            }

            unsafe extern "C" fn end(this: Instance, id: u64) {
                barrier(null_mut(), || {
                    Self::of(this).tasks.remove(&id);
                    Ok(())
                });
            }
        }

        pub struct ExecutorInstance<E: Executor> {
            host: Host,
            executor: E,
            modules: RwLock<BTreeMap<u64, Arc<E::Module>>>,
        }

        impl<E: Executor> ExecutorInstance<E> {
            fn module(&self, id: u64) -> Option<Arc<E::Module>> {
                // A panic never happens under this lock, so it is never poisoned.
                self.modules.read().ok()?.get(&id).cloned()
            }
        }

        impl<E: Executor> Kind for AsExecutor<E> {
            const ABOUT: About = E::ABOUT;
            const KIND: u32 = ffi::KIND_EXECUTOR;
            const FLAGS: u32 = if E::IS_CONCURRENT { ffi::CONCURRENT } else { 0 };
            const INTERFACE: &'static CStr = c"fanfold.executor/1";
            type Instance = ExecutorInstance<E>;

            fn make(host: Host, config: &[u8]) -> Result<Self::Instance, Fail> {
                let modules = RwLock::new(BTreeMap::new());
                Ok(ExecutorInstance { host, executor: E::create(host, config)?, modules })
            }

            fn table() -> *const c_void {
                (&raw const *Self::TABLE).cast()
            }
        }

        impl<E: Executor> AsExecutor<E> {
            const TABLE: &'static ffi::Executor = &ffi::Executor {
                struct_size: size_of::<ffi::Executor>() as u32,
                reserved: 0,
                load: Self::load,
                run: Self::run,
                unload: Self::unload,
            };

            /// Calls may overlap, so the instance is only ever shared.
            unsafe fn of<'a>(raw: Instance) -> &'a ExecutorInstance<E> {
                &*raw.cast::<ExecutorInstance<E>>()
            }

            unsafe extern "C" fn load(
                this: Instance, call: *const ffi::Call, id: u64, spec: View, parts: *const ffi::Blob,
                n: u32,
            ) {
                let this = Self::of(this);
                let call = Call::new(this.host, (*call).op);
                call.attempt(|| {
                    if this.module(id).is_some() {
                        return Err(Fail::new(ffi::EXISTS, "module", "this module is loaded already"));
                    }
                    let module = this.executor.load(&call, spec.bytes(), &lent_bytes(parts, n)?)?;
                    if let Ok(mut modules) = this.modules.write() {
                        modules.insert(id, Arc::new(module));
                    }
                    call.succeed("{}", Vec::new());
                    Ok(())
                });
            }

            unsafe extern "C" fn run(
                this: Instance, call: *const ffi::Call, id: u64, subtask: *const ffi::Subtask,
            ) {
                let (this, subtask) = (Self::of(this), &*subtask);
                let call = Call::new(this.host, (*call).op);
                // What is handed over has a release, called when this vector goes; what is lent has none.
                let parts: Vec<Blob> =
                    (0..subtask.part_count as usize).map(|i| Blob::take(subtask.parts.add(i))).collect();
                call.attempt(|| {
                    let none = || Fail::new(ffi::NOT_FOUND, "module", "no such module is loaded");
                    let module = this.module(id).ok_or_else(none)?;
                    let bytes = lent_bytes(subtask.parts, subtask.part_count)?;
                    let output = this.executor.run(&call, &module, subtask.spec.bytes(), &bytes)?;
                    call.check_cancelled()?;
                    call.succeed("{}", vec![Blob::bytes(output)]);
                    Ok(())
                });
                drop(parts);
            }

            unsafe extern "C" fn unload(this: Instance, id: u64) {
                barrier(null_mut(), || {
                    // Dropped after the lock is given back.
                    let module = Self::of(this).modules.write().ok().and_then(|mut m| m.remove(&id));
                    drop(module);
                    Ok(())
                });
            }
        }

        pub struct ProviderInstance<P> {
            host: Host,
            provider: Arc<P>,
        }

        impl<P: Provider> Kind for AsProvider<P> {
            const ABOUT: About = P::ABOUT;
            const KIND: u32 = ffi::KIND_PROVIDER;
            const INTERFACE: &'static CStr = c"fanfold.provider/1";
            type Instance = ProviderInstance<P>;

            fn make(host: Host, config: &[u8]) -> Result<Self::Instance, Fail> {
                Ok(ProviderInstance { host, provider: Arc::new(P::create(host, config)?) })
            }

            fn table() -> *const c_void {
                (&raw const *Self::TABLE).cast()
            }
        }

        impl<P: Provider> AsProvider<P> {
            const TABLE: &'static ffi::Provider = &ffi::Provider {
                struct_size: size_of::<ffi::Provider>() as u32,
                reserved: 0,
                check: Self::check,
                offerings: Self::offerings,
                launch: Self::launch,
                describe: Self::describe,
                terminate: Self::terminate,
            };

            unsafe fn answer(
                this: Instance, call: *const ffi::Call,
                body: impl FnOnce(&Arc<P>, &CallRef) -> Result<(), Fail>,
            ) {
                let this: &ProviderInstance<P> = instance(this);
                let call = Arc::new(Call::new(this.host, (*call).op));
                call.attempt(|| body(&this.provider, &call));
            }

            unsafe extern "C" fn check(this: Instance, call: *const ffi::Call) {
                Self::answer(this, call, |provider, call| provider.check(call))
            }

            unsafe extern "C" fn offerings(this: Instance, call: *const ffi::Call, query: View) {
                Self::answer(this, call, |provider, call| provider.offerings(call, query.bytes()))
            }

            unsafe extern "C" fn launch(this: Instance, call: *const ffi::Call, request: View) {
                Self::answer(this, call, |provider, call| provider.launch(call, request.bytes()))
            }

            unsafe extern "C" fn describe(this: Instance, call: *const ffi::Call, query: View) {
                Self::answer(this, call, |provider, call| provider.describe(call, query.bytes()))
            }

            unsafe extern "C" fn terminate(this: Instance, call: *const ffi::Call, request: View) {
                Self::answer(this, call, |provider, call| provider.terminate(call, request.bytes()))
            }
        }

        pub const fn component<K: Kind>() -> ffi::Component {
            let about = K::ABOUT;
            ffi::Component {
                struct_size: size_of::<ffi::Component>() as u32,
                kind: K::KIND,
                flags: K::FLAGS,
                needs_minor: 0,
                id: about.id.as_ptr(),
                version: about.version.as_ptr(),
                summary: about.summary.as_ptr(),
                vendor: null(),
                license: about.license.as_ptr(),
                url: null(),
                config_schema: about.config_schema.as_ptr(),
                needs_services: match about.needs_services {
                    Some(services) => services.as_ptr(),
                    None => null(),
                },
            }
        }

        pub unsafe extern "C" fn create<K: Kind>(
            component: *const ffi::Component, host: *const ffi::Host, config: View, out: *mut Instance,
            err: *mut ffi::Error,
        ) -> i32 {
            barrier(err, || {
                if CStr::from_ptr((*component).id) != K::ABOUT.id {
                    return Err(Fail::new(ffi::NOT_FOUND, "component", "no such component"));
                }
                *out = Box::into_raw(Box::new(K::make(Host(whole(host)?), config.bytes())?)).cast();
                Ok(())
            })
        }

        pub unsafe extern "C" fn query<K: Kind>(_: Instance, id: *const c_char) -> *const c_void {
            if CStr::from_ptr(id) == K::INTERFACE {
                return K::table();
            }
            null()
        }

        pub unsafe extern "C" fn destroy<K: Kind>(this: Instance) {
            barrier(null_mut(), || {
                drop(Box::from_raw(this.cast::<K::Instance>()));
                Ok(())
            });
        }

        /// The one symbol of a plugin.
        #[macro_export]
        macro_rules! export {
            ($kind:ty) => {
                static COMPONENT: ffi::Constant<ffi::Component> =
                    ffi::Constant(components::component::<$kind>());
                static COMPONENTS: ffi::Constant<[*const ffi::Component; 2]> =
                    ffi::Constant([&raw const COMPONENT.0, std::ptr::null()]);
                static PLUGIN: ffi::Constant<ffi::Plugin> = ffi::Constant(ffi::Plugin {
                    struct_size: std::mem::size_of::<ffi::Plugin>() as u32,
                    built_minor: 0,
                    components: (&raw const COMPONENTS.0).cast(),
                    create: components::create::<$kind>,
                    query: components::query::<$kind>,
                    destroy: components::destroy::<$kind>,
                });

                #[no_mangle]
                pub extern "C" fn fanfold_plugin_v1() -> *const ffi::Plugin {
                    &raw const PLUGIN.0
                }
            };
        }

        """#
}
