//! An executor for Fanfold: counts the words of a text, but for those of a list.
//!
//! Read fanfold_plugin.h first: it is the contract.  What this file shows:
//!   load   gets ready once, for many subtasks: here, a set of words to ignore
//!   run    works on the parts of a subtask, asks whether the answer is still wanted, says how far
//!          it is, and returns the bytes of its output
//! Nothing changes after load, so calls may overlap.

mod components;
mod fanfold;
mod ffi;
mod json;

use components::{About, AsExecutor, Executor};
use fanfold::{Call, Fail, Host};
use json::Json;
use std::collections::BTreeSet;

const BYTES_BETWEEN_QUESTIONS: usize = 65_536;

struct Words {
    minimum: u64,
}

fn invalid(reason: &str, message: &str) -> Fail {
    Fail::new(ffi::INVALID, reason, message)
}

/// Calls `body` with what stands between white space.
fn each_word<'a>(
    call: &Call, text: &'a [u8], mut body: impl FnMut(&'a [u8]),
) -> Result<(), Fail> {
    let mut start = 0;
    for i in 0..=text.len() {
        if i % BYTES_BETWEEN_QUESTIONS == 0 {
            call.check_cancelled()?;
        }
        if text.get(i).is_some_and(|byte| *byte > b' ') {
            continue;
        }
        if i > start {
            body(&text[start..i]);
        }
        start = i + 1;
    }
    Ok(())
}

impl Executor for Words {
    const ABOUT: About = About {
        id: c"com.example.words",
        version: c"0.1.0",
        summary: c"Counts the words of a text, but for those of a list.",
        license: c"Apache-2.0",
        config_schema: cr#"{
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "x-fanfold-example-run": {"module": {"ignore": "the of"}, "inputs": ["the end and a start"],
                                     "outputs": ["{\"words\":4,\"ignored\":1}"]},
          "additionalProperties": false,
          "properties": {
            "minimum": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1,
                        "description": "How many bytes a word has at least."}
          }
        }"#,
        needs_services: None,
    };
    const IS_CONCURRENT: bool = true;
    /// The words that do not count.
    type Module = BTreeSet<Vec<u8>>;

    fn create(_: Host, config: &[u8]) -> Result<Words, Fail> {
        let config = match Json::parse(config) {
            Some(config @ Json::Object(_)) => config,
            _ => return Err(invalid("config.", "wanted a JSON object")),
        };
        let wanted = || invalid("config./minimum", "wanted a whole number from 1 to 1000");
        let minimum = match config.member("minimum") {
            None => 1,
            Some(value) => {
                value.count().filter(|n| (1..=1_000).contains(n)).ok_or_else(wanted)?
            }
        };
        Ok(Words { minimum })
    }

    /// {"ignore":"the a of"}, and texts of such words as parts.
    fn load(&self, call: &Call, spec: &[u8], parts: &[&[u8]]) -> Result<Self::Module, Fail> {
        let spec = match spec {
            [] => Json::object([]),
            spec => Json::parse(spec).ok_or_else(|| invalid("spec", "the spec is not JSON"))?,
        };
        let ignore = match spec.member("ignore") {
            None => "",
            Some(ignore) => ignore
                .text()
                .ok_or_else(|| invalid("spec./ignore", "wanted a string of words"))?,
        };
        let mut words = BTreeSet::new();
        for text in [ignore.as_bytes()].iter().chain(parts) {
            each_word(call, text, |word| {
                words.insert(word.to_vec());
            })?;
        }
        Ok(words)
    }

    fn run(
        &self, call: &Call, ignore: &Self::Module, _spec: &[u8], parts: &[&[u8]],
    ) -> Result<Vec<u8>, Fail> {
        let (mut words, mut ignored) = (0, 0);
        for (i, text) in parts.iter().enumerate() {
            // A host that is busy does not take it, which is no error.
            call.emit(&format!("{{\"progress\":{}}}", i as f64 / parts.len() as f64))?;
            each_word(call, text, |word| {
                let counts = word.len() as u64 >= self.minimum && !ignore.contains(word);
                *(if counts { &mut words } else { &mut ignored }) += 1;
            })?;
        }
        Ok(format!("{{\"words\":{words},\"ignored\":{ignored}}}").into_bytes())
    }
}

export!(AsExecutor<Words>);

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::{c_char, c_void};
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicI32, Ordering};

    static CANCELLED: AtomicI32 = AtomicI32::new(0);
    static ANSWER: AtomicI32 = AtomicI32::new(0);

    unsafe extern "C" fn service(_: *const ffi::Host, _: *const c_char) -> *const c_void {
        std::ptr::null()
    }
    unsafe extern "C" fn log(_: *const ffi::Host, _: i32, _: *const c_char, _: ffi::View) {}
    unsafe extern "C" fn now(_: *const ffi::Host) -> u64 {
        0
    }
    unsafe extern "C" fn emit(
        _: *const ffi::Host, _: u64, _: ffi::View, _: *mut ffi::Blob, _: u32,
    ) -> i32 {
        ffi::EXHAUSTED
    }
    unsafe extern "C" fn complete(
        _: *const ffi::Host, _: u64, err: *const ffi::Error, _: ffi::View, _: *mut ffi::Blob,
        _: u32,
    ) {
        ANSWER.store(err.as_ref().map_or(0, |err| err.code), Ordering::Relaxed);
    }
    unsafe extern "C" fn cancelled(_: *const ffi::Host, _: u64) -> i32 {
        CANCELLED.load(Ordering::Relaxed)
    }

    #[test]
    fn words_are_counted_but_for_the_short_and_the_ignored_ones() {
        let (name, version) = (c"test".as_ptr(), c"1".as_ptr());
        let host = ffi::Host {
            struct_size: 80, abi_minor: 0, host_data: null_mut(), name, version, service, log, now,
            emit, complete, cancelled,
        };
        drop(Call::new(Host(&raw const host), 1)); // let go of without an answer
        assert_eq!(ANSWER.load(Ordering::Relaxed), ffi::INTERNAL);
        let call = Call::new(Host(&raw const host), 1);
        let words = Words::create(Host(&raw const host), b"{\"minimum\":2}").ok().unwrap();
        let module = words.load(&call, b"{\"ignore\":\"the of\"}", &[b"and"]).unwrap();
        let parts: [&[u8]; 2] = [b" the end and a start\n", b""];
        let output = words.run(&call, &module, b"", &parts).unwrap();
        assert_eq!(output, b"{\"words\":2,\"ignored\":3}");
        CANCELLED.store(1, Ordering::Relaxed);
        assert_eq!(words.run(&call, &module, b"", &parts).err().unwrap().code, ffi::CANCELLED);
    }
}
