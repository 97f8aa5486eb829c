// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/src/lib.rs: change that, then run it.
extension PluginTemplates {
    static let rustStrategy = #"""
        //! A strategy for Fanfold: fixed chunks of items, results in the order of the items.
        //!
        //! Read fanfold_plugin.h first: it is the contract.  What this file shows:
        //!   begin      reads lengths, never data
        //!   split      hands out slices of the input by reference, a few at a time
        //!   on_result  keeps the blobs of a result: nothing is copied
        //!   finish     gives the kept blobs back to the host as the result of the task

        mod ffi;
        mod json;

        use ffi::*;
        use json::Json;
        use std::collections::BTreeMap;
        use std::ffi::{c_char, c_void, CStr};
        use std::ptr::{null, null_mut};

        const ID: &CStr = c"com.example.rows";
        const SCHEMA: &CStr = cr#"{
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "items": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 1000,
                      "description": "How many items a subtask is given."}
          }
        }"#;

        struct Task {
            items: u64,
            next_item: u64,
            next_subtask: u64,
            format: String,
            results: BTreeMap<u64, Vec<Kept>>,
        }

        struct Rows {
            chunk: u64,
            tasks: BTreeMap<u64, Task>,
        }

        impl Rows {
            fn new(config: &[u8]) -> Result<Rows, Fail> {
                let config = match Json::parse(config) {
                    Some(config @ Json::Object(_)) => config,
                    _ => return Err(Fail(INVALID, "config.", "wanted a JSON object".into())),
                };
                let chunk = match config.member("items") {
                    None => 1000,
                    Some(items) => items.count().filter(|n| (1..=1_000_000_000).contains(n)).ok_or(Fail(
                        INVALID,
                        "config./items",
                        "wanted a whole number from 1 to 1000000000".into(),
                    ))?,
                };
                Ok(Rows { chunk, tasks: BTreeMap::new() })
            }

            fn begin(&mut self, id: u64, spec: &[u8]) -> Result<(), Fail> {
                if self.tasks.contains_key(&id) {
                    return Err(Fail(EXISTS, "task", format!("the task {id} has begun already")));
                }
                let spec = Json::parse(spec)
                    .ok_or(Fail(INVALID, "spec", "the description of the task is not JSON".into()))?;
                let input = spec
                    .member("inputs")
                    .and_then(Json::first)
                    .ok_or(Fail(INVALID, "spec./inputs", "wanted one input, found none".into()))?;
                let items = input.member("items").and_then(Json::count).ok_or(Fail(
                    INVALID,
                    "spec./inputs/0/items",
                    "wanted a whole number of items".into(),
                ))?;
                let format = input.member("format").and_then(Json::text).unwrap_or("lines").to_string();
                let task =
                    Task { items, next_item: 0, next_subtask: 0, format, results: BTreeMap::new() };
                self.tasks.insert(id, task);
                Ok(())
            }

            fn task(&mut self, id: u64) -> Result<&mut Task, Fail> {
                self.tasks
                    .get_mut(&id)
                    .ok_or(Fail(NOT_FOUND, "task", format!("no task {id} has begun")))
            }
        }

        impl Task {
            fn split(&mut self, chunk: u64, want: u32, sink: &Sink) -> Result<u32, Fail> {
                for _ in 0..want {
                    if self.next_item == self.items {
                        break;
                    }
                    let count = chunk.min(self.items - self.next_item);
                    let mut part = Blob {
                        kind: BLOB_ITEMS,
                        flags: 0,
                        data: null(),
                        kind_data: null(),
                        size: count,
                        offset: self.next_item,
                        handle: 0,
                        owner: null_mut(),
                        release: None,
                    };
                    let subtask = Subtask {
                        struct_size: std::mem::size_of::<Subtask>() as u32,
                        part_count: 1,
                        id: self.next_subtask,
                        spec: View::of(""),
                        parts: &mut part,
                    };
                    // Safe: the sink is valid during the call, and so is the subtask.
                    if unsafe { (sink.subtask)(sink, &subtask) } != OK {
                        return Err(Fail(CANCELLED, "cancelled", "not wanted any more".into()));
                    }
                    self.next_item += count;
                    self.next_subtask += 1;
                }
                Ok(if self.next_item < self.items { SPLIT_MORE } else { SPLIT_END })
            }

            fn finish(&mut self, sink: &Sink) -> Result<(), Fail> {
                let format = format!("{{\"format\":\"{}\"}}", self.format);
                let mut results = std::mem::take(&mut self.results);
                if results.is_empty() {
                    results.insert(0, Vec::new());
                }
                for parts in results.into_values() {
                    let mut blobs: Vec<Blob> = parts.into_iter().map(give).collect();
                    // Safe: the sink is valid during the call; it takes the blobs over if it says OK.
                    let code = unsafe {
                        (sink.output)(sink, View::of(&format), blobs.as_mut_ptr(), blobs.len() as u32)
                    };
                    if code != OK {
                        blobs.into_iter().for_each(|blob| drop(Kept(blob)));
                        return Err(Fail(code, "sink", "the host took no more".into()));
                    }
                }
                Ok(())
            }
        }

        /// Takes a blob out of its guard, to hand it over.
        fn give(kept: Kept) -> Blob {
            let kept = std::mem::ManuallyDrop::new(kept);
            // Safe: the guard is not dropped, so the blob has one owner.
            unsafe { std::ptr::read(&kept.0) }
        }

        unsafe fn rows<'a>(instance: Instance) -> &'a mut Rows {
            &mut *instance.cast::<Rows>()
        }

        unsafe extern "C" fn begin(
            this: Instance, task: u64, spec: View, _: *const Blob, _: u32, err: *mut Error,
        ) -> i32 {
            barrier(err, || rows(this).begin(task, spec.bytes()))
        }

        unsafe extern "C" fn split(
            this: Instance, task: u64, want: u32, sink: *const Sink, state: *mut u32, err: *mut Error,
        ) -> i32 {
            barrier(err, || {
                let chunk = rows(this).chunk;
                *state = rows(this).task(task)?.split(chunk, want, &*sink)?;
                Ok(())
            })
        }

        unsafe extern "C" fn on_result(
            this: Instance, task: u64, result: *const TaskResult, _: *const Sink, err: *mut Error,
        ) -> i32 {
            barrier(err, || {
                let (task, result) = (rows(this).task(task)?, &*result);
                if result.subtask >= task.next_subtask {
                    return Err(Fail(NOT_FOUND, "subtask", "no such subtask".into()));
                }
                if result.part_count == 0 || task.results.contains_key(&result.subtask) {
                    return Ok(()); // nothing to keep, or told twice
                }
                let parts = std::slice::from_raw_parts_mut(result.parts, result.part_count as usize);
                let keep = |part: &mut Blob| {
                    let kept = Kept(std::ptr::read(part));
                    part.release = None; // keep it: copy the struct, clear the host's release
                    kept
                };
                task.results.insert(result.subtask, parts.iter_mut().map(keep).collect());
                Ok(())
            })
        }

        unsafe extern "C" fn on_failure(
            this: Instance, task: u64, _: u64, _: *const Error, _: u32, _: *const Sink,
            verdict: *mut u32, err: *mut Error,
        ) -> i32 {
            barrier(err, || {
                rows(this).task(task)?;
                *verdict = FAILED_TASK; // a hole in the result would be worse than no result
                Ok(())
            })
        }

        unsafe extern "C" fn finish(
            this: Instance, task: u64, sink: *const Sink, err: *mut Error,
        ) -> i32 {
            barrier(err, || rows(this).task(task)?.finish(&*sink))
        }

        unsafe extern "C" fn end(this: Instance, task: u64) {
            barrier(null_mut(), || {
                rows(this).tasks.remove(&task);
                Ok(())
            });
        }

        unsafe extern "C" fn create(
            component: *const Component, _: *const Host, config: View, out: *mut Instance,
            err: *mut Error,
        ) -> i32 {
            barrier(err, || {
                if CStr::from_ptr((*component).id) != ID {
                    return Err(Fail(NOT_FOUND, "component", "no such component".into()));
                }
                *out = Box::into_raw(Box::new(Rows::new(config.bytes())?)).cast();
                Ok(())
            })
        }

        unsafe extern "C" fn query(_: Instance, id: *const c_char) -> *const c_void {
            if CStr::from_ptr(id) == c"fanfold.strategy/1" {
                return (&raw const STRATEGY).cast();
            }
            null()
        }

        unsafe extern "C" fn destroy(this: Instance) {
            barrier(null_mut(), || {
                drop(Box::from_raw(this.cast::<Rows>()));
                Ok(())
            });
        }

        static STRATEGY: Strategy = Strategy {
            struct_size: std::mem::size_of::<Strategy>() as u32,
            reserved: 0,
            begin,
            split,
            on_result,
            on_failure,
            on_capacity: None,
            resplit: None,
            finish,
            end,
        };

        static COMPONENT: Constant<Component> = Constant(Component {
            struct_size: std::mem::size_of::<Component>() as u32,
            kind: KIND_STRATEGY,
            flags: 0,
            needs_minor: 0,
            id: ID.as_ptr(),
            version: c"0.1.0".as_ptr(),
            summary: c"Splits the items of one input in chunks of a fixed size and keeps their order."
                .as_ptr(),
            vendor: null(),
            license: c"Apache-2.0".as_ptr(),
            url: null(),
            config_schema: SCHEMA.as_ptr(),
            needs_services: null(),
        });

        static COMPONENTS: Constant<[*const Component; 2]> = Constant([&raw const COMPONENT.0, null()]);

        static PLUGIN: Constant<Plugin> = Constant(Plugin {
            struct_size: std::mem::size_of::<Plugin>() as u32,
            built_minor: 0,
            components: (&raw const COMPONENTS.0).cast(),
            create,
            query,
            destroy,
        });

        #[no_mangle]
        pub extern "C" fn fanfold_plugin_v1() -> *const Plugin {
            &raw const PLUGIN.0
        }

        """#
}
