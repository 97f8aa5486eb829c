// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-prefer/src/lib.rs: change that, then run it.
extension PluginTemplates {
    static let rustPrefer = #"""
        //! A policy for Fanfold: prefers workers that have a label.
        //!
        //! Read fanfold_plugin.h first: it is the contract.  What this file shows:
        //!   place   reads which requests and which kinds of workers there are, and answers one score for
        //!           each pair.  The host keeps the scores, and chooses by them among the workers that have
        //!           room.
        //! What it does not answer within its budget, the policy that is built into the host decides.

        mod components;
        mod fanfold;
        mod ffi;
        mod json;
        mod policy;

        use components::About;
        use fanfold::{Fail, Host};
        use json::Json;
        use policy::{AsPolicy, Policy};

        struct Prefer {
            label: String,
        }

        impl Prefer {
            /// The score of a kind of workers: whether it has the label.
            fn score(&self, worker: &Json) -> Json {
                let labels = worker.member("labels").map_or(&[][..], Json::elements);
                let has_it = labels.iter().any(|label| label.text() == Some(self.label.as_str()));
                Json::Number(if has_it { 1.0 } else { 0.0 })
            }
        }

        impl Policy for Prefer {
            const ABOUT: About = About {
                id: c"com.example.prefer",
                version: c"0.1.0",
                summary: c"Prefers workers that have a label.",
                license: c"Apache-2.0",
                config_schema: cr#"{
                  "$schema": "https://json-schema.org/draft/2020-12/schema",
                  "type": "object",
                  "additionalProperties": false,
                  "properties": {
                    "label": {"type": "string", "minLength": 1, "maxLength": 63, "default": "preferred",
                              "description": "The label, NAME or NAME=VALUE."}
                  }
                }"#,
                needs_services: None,
            };

            fn create(_: Host, config: &[u8]) -> Result<Prefer, Fail> {
                let config = match Json::parse(config) {
                    Some(config @ Json::Object(_)) => config,
                    _ => return Err(Fail::new(ffi::INVALID, "config.", "wanted a JSON object")),
                };
                let label = match config.member("label") {
                    None => Some("preferred"),
                    Some(label) => label.text().filter(|l| (1..=63).contains(&l.chars().count())),
                };
                let message = "wanted a label of 1 to 63 characters";
                let wanted = || Fail::new(ffi::INVALID, "config./label", message);
                Ok(Prefer { label: label.ok_or_else(wanted)?.to_string() })
            }

            fn place(&mut self, snapshot: &[u8]) -> Result<String, Fail> {
                let wanted = || Fail::new(ffi::INVALID, "snapshot.", "wanted requests and workers");
                let snapshot = Json::parse(snapshot).ok_or_else(wanted)?;
                let requests = snapshot.member("requests").ok_or_else(wanted)?.elements();
                let workers = snapshot.member("workers").ok_or_else(wanted)?.elements();
                // It is the same for every request.
                let row = || Json::Array(workers.iter().map(|worker| self.score(worker)).collect());
                let scores = Json::Array(requests.iter().map(|_| row()).collect());
                Ok(Json::object([("scores", scores)]).write())
            }
        }

        export!(AsPolicy<Prefer>);

        #[cfg(test)]
        mod tests {
            use super::*;

            #[test]
            fn there_is_a_score_for_each_pair_and_nonsense_is_refused() {
                let host = || Host(std::ptr::null());
                let mut prefer = Prefer::create(host(), b"{\"label\":\"disk=ssd\"}").ok().unwrap();
                let snapshot = br#"{"requests": [{"cpus": 1}, {"cpus": 2}],
                                    "workers": [{"labels": []}, {"labels": ["zone=a", "disk=ssd"]}]}"#;
                assert_eq!(prefer.place(snapshot).unwrap(), r#"{"scores":[[0,1],[0,1]]}"#);
                assert_eq!(prefer.place(b"{}").err().unwrap().code, ffi::INVALID);
                assert_eq!(prefer.predict(b"{}").err().unwrap().code, ffi::UNIMPLEMENTED);
                assert!(Prefer::create(host(), b"{\"label\":1}").is_err());
            }
        }

        """#
}
