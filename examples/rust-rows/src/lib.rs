//! A strategy for Fanfold: fixed chunks of items, results in the order of the items.
//!
//! Read fanfold_plugin.h first: it is the contract.  What this file shows:
//!   begin      reads lengths, never data
//!   split      hands out slices of the input by reference, a few at a time
//!   keep       keeps the blobs of a result: nothing is copied
//!   finish     gives the kept blobs back to the host as the result of the task

mod components;
mod fanfold;
mod ffi;
mod json;

use components::{About, AsStrategy, Sink, Strategy, Task};
use fanfold::{Blob, Fail, Host};
use json::Json;
use std::collections::BTreeMap;

struct Rows {
    chunk: u64,
}

struct RowsTask {
    chunk: u64,
    items: u64,
    next_item: u64,
    next_subtask: u64,
    format: String,
    results: BTreeMap<u64, Vec<Blob>>,
}

fn invalid(reason: &str, message: &str) -> Fail {
    Fail::new(ffi::INVALID, reason, message)
}

impl Strategy for Rows {
    const ABOUT: About = About {
        id: c"com.example.rows",
        version: c"0.1.0",
        summary: c"Splits the items of one input in chunks of a fixed size and keeps their order.",
        license: c"Apache-2.0",
        config_schema: cr#"{
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "items": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 1000,
                      "description": "How many items a subtask is given."}
          }
        }"#,
        needs_services: None,
    };
    type Task = RowsTask;

    fn create(_: Host, config: &[u8]) -> Result<Rows, Fail> {
        let config = match Json::parse(config) {
            Some(config @ Json::Object(_)) => config,
            _ => return Err(invalid("config.", "wanted a JSON object")),
        };
        let wanted = "wanted a whole number from 1 to 1000000000";
        let chunk = match config.member("items") {
            None => 1000,
            Some(items) => items
                .count()
                .filter(|n| (1..=1_000_000_000).contains(n))
                .ok_or_else(|| invalid("config./items", wanted))?,
        };
        Ok(Rows { chunk })
    }

    fn begin(&mut self, spec: &[u8], _inputs: u32) -> Result<RowsTask, Fail> {
        let spec = Json::parse(spec).ok_or_else(|| invalid("spec", "spec is not JSON"))?;
        let input = spec
            .member("inputs")
            .and_then(Json::first)
            .ok_or_else(|| invalid("spec./inputs", "wanted one input, found none"))?;
        let items = input
            .member("items")
            .and_then(Json::count)
            .ok_or_else(|| invalid("spec./inputs/0/items", "wanted a whole number of items"))?;
        let format = input.member("format").and_then(Json::text).unwrap_or("lines").to_string();
        let (chunk, next_item, next_subtask) = (self.chunk, 0, 0);
        Ok(RowsTask { chunk, items, next_item, next_subtask, format, results: BTreeMap::new() })
    }
}

impl Task for RowsTask {
    fn split(&mut self, want: u32, sink: &Sink) -> Result<u32, Fail> {
        for _ in 0..want {
            if self.next_item == self.items {
                break;
            }
            let count = self.chunk.min(self.items - self.next_item);
            let part = Blob::items(0, self.next_item, count);
            sink.subtask(self.next_subtask, "", vec![part])?;
            self.next_item += count;
            self.next_subtask += 1;
        }
        Ok(if self.next_item < self.items { ffi::SPLIT_MORE } else { ffi::SPLIT_END })
    }

    fn on_result(&mut self, subtask: u64, _json: &[u8], _sink: &Sink) -> Result<bool, Fail> {
        if subtask >= self.next_subtask {
            return Err(Fail::new(ffi::NOT_FOUND, "subtask", "no such subtask"));
        }
        Ok(!self.results.contains_key(&subtask)) // told twice: the first counts
    }

    fn keep(&mut self, subtask: u64, parts: Vec<Blob>) {
        self.results.insert(subtask, parts);
    }

    fn finish(&mut self, sink: &Sink) -> Result<(), Fail> {
        let format = Json::object([("format", Json::Text(self.format.clone()))]).write();
        let mut results = std::mem::take(&mut self.results);
        if results.is_empty() {
            results.insert(0, Vec::new());
        }
        results.into_values().try_for_each(|parts| sink.output(&format, parts))
    }
}

export!(AsStrategy<Rows>);

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::c_void;

    /// What the sink was given: (first item, count) of each subtask, the handles of each output.
    #[derive(Default)]
    struct Given {
        slices: Vec<(u64, u64)>,
        outputs: Vec<i64>,
    }

    unsafe fn given<'a>(sink: *const ffi::Sink) -> &'a mut Given {
        &mut *(*sink).sink_data.cast()
    }
    unsafe extern "C" fn subtask(sink: *const ffi::Sink, subtask: *const ffi::Subtask) -> i32 {
        let part = &*(*subtask).parts;
        given(sink).slices.push((part.offset, part.size));
        ffi::OK
    }
    unsafe extern "C" fn withdraw(_: *const ffi::Sink, _: u64) -> i32 {
        ffi::OK
    }
    unsafe extern "C" fn output(
        sink: *const ffi::Sink, _: ffi::View, parts: *mut ffi::Blob, count: u32,
    ) -> i32 {
        (0..count as usize).for_each(|i| given(sink).outputs.push((*parts.add(i)).handle));
        ffi::OK
    }

    #[test]
    fn every_item_once_and_results_in_the_order_of_the_items() {
        let mut given = Given::default();
        let sink_data = (&raw mut given).cast::<c_void>();
        let raw = ffi::Sink { struct_size: 40, reserved: 0, sink_data, subtask, withdraw, output };
        let sink = Sink(&raw);
        let mut rows = Rows::create(Host(std::ptr::null()), b"{\"items\":4}").ok().unwrap();
        let mut task = rows.begin(b"{\"inputs\":[{\"items\":10}]}", 1).ok().unwrap();
        assert_eq!(task.split(2, &sink).unwrap(), ffi::SPLIT_MORE);
        assert_eq!(task.split(9, &sink).unwrap(), ffi::SPLIT_END);
        assert_eq!(given.slices, [(0, 4), (4, 4), (8, 2)]);
        for id in [2, 0, 1] {
            assert!(task.on_result(id, b"{}", &sink).unwrap());
            let handle = ffi::Blob { handle: id as i64, ..Blob::empty(ffi::BLOB_BYTES) };
            task.keep(id, vec![Blob(handle)]);
        }
        task.finish(&sink).unwrap();
        assert_eq!(given.outputs, [0, 1, 2]);
    }

    #[test]
    fn a_wrong_configuration_is_refused_at_its_place() {
        let refused = Rows::create(Host(std::ptr::null()), b"{\"items\":0}").err().unwrap();
        assert_eq!(refused.reason, "config./items");
    }

    #[test]
    fn no_panic_crosses() {
        let fail = fanfold::guarded(|| panic!("boom")).err().unwrap();
        assert_eq!((fail.code, fail.message.as_str()), (ffi::INTERNAL, "the plugin panicked: boom"));
    }
}
