// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-cloud/src/lib.rs: change that, then run it.
extension PluginTemplates {
    static let rustCloud = #"""
        //! A provider for Fanfold: rents workers from the fake cloud, whose API is
        //! docs/plugins/fake-cloud.md of Fanfold.
        //!
        //! Read fanfold_plugin.h first: it is the contract.  What this file shows:
        //!   send      every request goes through the host, signed by the name of a secret
        //!   refusal   what each error of the cloud means: what would make another try worth it
        //!   launch    one token for each offering tried; too few workers are ended again
        //! Replace the paths, the shapes and the table of errors by those of a cloud of yours, and take
        //! "x-fanfold-cloud" out of the schema.

        mod components;
        mod fanfold;
        mod ffi;
        mod json;
        mod uuid5;

        use components::{About, AsProvider, Provider};
        use fanfold::{missing, Answer, CallRef, Fail, Host};
        use ffi::{DENIED, EXHAUSTED, INVALID, UNAUTHENTICATED, UNAVAILABLE};
        use ffi::{ELSEWHERE, LATER, NEVER, RENEWED};
        use json::Json;
        use std::sync::Arc;

        const EMIT_TRIES: u32 = 2_000;
        const EMIT_PAUSE_NS: u64 = 5_000_000;

        struct Cloud {
            host: Host,
            endpoint: String,
            secret: String,
            region: String,
        }

        /// A launch on its way from offering to offering.
        struct Launch {
            token: String,
            offerings: Vec<String>, // best first
            min: usize,
            max: usize,
            boot: String,
            tags: Json,
            next: usize,
            workers: Vec<Json>,
        }

        fn invalid(reason: &str, message: &str) -> Fail {
            Fail::new(INVALID, reason, message)
        }

        fn text(value: impl Into<String>) -> Json {
            Json::Text(value.into())
        }

        /// Text as a part of a URL's query.  Source: RFC 3986, section 2.3.
        fn percent_encoded(text: &str) -> String {
            let encode = |byte: u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    (byte as char).to_string()
                }
                _ => format!("%{byte:02X}"),
            };
            text.bytes().map(encode).collect()
        }

        /// What makes of an answer a failure; nothing if it is none.  A code in the body counts more than
        /// the status: some answer 200 and mean something else.
        fn refusal(status: i32, headers: Option<&Json>, body: Option<&Json>) -> Option<Fail> {
            const TABLE: [(&str, i32, i32, u32, &str); 6] = [
                ("AuthFailure", 401, UNAUTHENTICATED, RENEWED, "renew the credentials"),
                ("ExpiredToken", 401, UNAUTHENTICATED, RENEWED, "renew the credentials"),
                ("QuotaExceeded", 402, EXHAUSTED, RENEWED, "ask for more quota"),
                ("Forbidden", 403, DENIED, RENEWED, "ask for the permission"),
                ("InsufficientCapacity", 409, EXHAUSTED, ELSEWHERE, "try another offering"),
                ("Throttled", 429, EXHAUSTED, LATER, "try again later"),
            ];
            let error = body.and_then(|body| body.member("error"));
            if error.is_none() && status < 400 {
                return None;
            }
            let name = error.map(|error| error.text().unwrap_or("error"));
            let known = TABLE.iter().find(|row| name.map_or(row.1 == status, |name| row.0 == name));
            let (code, retry, advice) = match known {
                Some((_, _, code, retry, advice)) => (*code, *retry, *advice),
                None if status >= 500 => (UNAVAILABLE, LATER, "try again later"),
                None => (INVALID, NEVER, "change the request"),
            };
            let seconds: u32 = headers
                .and_then(|headers| headers.string("retry-after"))
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(0);
            let told = body.and_then(|body| body.string("message")).unwrap_or("");
            let name = name.map_or_else(|| status.to_string(), str::to_string);
            let reason: String = format!("cloud.{name}").chars().take(48).collect();
            let message = format!("the cloud refused with {name} (status {status}); {advice}. {told}");
            Some(Fail::new(code, &reason, message.trim_end()).retry(retry, seconds.saturating_mul(1_000)))
        }

        impl Provider for Cloud {
            const ABOUT: About = About {
                id: c"com.example.cloud",
                version: c"0.1.0",
                summary: c"Rents workers from the fake cloud.",
                license: c"Apache-2.0",
                config_schema: cr#"{
                  "$schema": "https://json-schema.org/draft/2020-12/schema",
                  "type": "object",
                  "x-fanfold-cloud": "fake/1",
                  "additionalProperties": false,
                  "properties": {
                    "endpoint": {"type": "string", "pattern": "^https?://",
                                 "default": "http://fake-cloud.test",
                                 "description": "What stands in front of every path."},
                    "secret": {"type": "string", "minLength": 1, "default": "fake",
                               "description": "The name of the secret that signs; the host has it."},
                    "region": {"type": "string", "default": "here",
                               "description": "Where workers are rented."}
                  }
                }"#,
                needs_services: Some(&[c"fanfold.http/1".as_ptr(), std::ptr::null()]),
            };

            fn create(host: Host, config: &[u8]) -> Result<Cloud, Fail> {
                if !host.has_http() {
                    return Err(missing("http"));
                }
                let config = match Json::parse(config) {
                    Some(config @ Json::Object(_)) => config,
                    _ => return Err(invalid("config.", "wanted a JSON object")),
                };
                let setting = |key: &str, default: &str, good: fn(&str) -> bool| match config.member(key) {
                    None => Ok(default.to_string()),
                    Some(value) => {
                        let wanted = || invalid(&format!("config./{key}"), "wanted what the schema says");
                        value.text().filter(|text| good(text)).map(str::to_string).ok_or_else(wanted)
                    }
                };
                Ok(Cloud {
                    host,
                    endpoint: setting("endpoint", "http://fake-cloud.test", |it| {
                        it.starts_with("http://") || it.starts_with("https://")
                    })?,
                    secret: setting("secret", "fake", |it| !it.is_empty())?,
                    region: setting("region", "here", |_| true)?,
                })
            }

            fn check(self: &Arc<Self>, call: &CallRef) -> Result<(), Fail> {
                let done = call.clone();
                self.send(call, "GET", "/v1/whoami", None, move |answer| {
                    answer?;
                    let good = "{\"checks\":[{\"name\":\"credentials\",\"ok\":true,\"fix\":\"\"}]}";
                    done.succeed(good, Vec::new());
                    Ok(())
                })
            }

            fn offerings(self: &Arc<Self>, call: &CallRef, query: &[u8]) -> Result<(), Fail> {
                if !query.is_empty() && Json::parse(query).is_none() {
                    return Err(invalid("query.", "wanted a JSON object"));
                }
                self.page(call, None)
            }

            fn launch(self: &Arc<Self>, call: &CallRef, request: &[u8]) -> Result<(), Fail> {
                self.try_offering(call, Launch::read(request)?)
            }

            fn describe(self: &Arc<Self>, call: &CallRef, query: &[u8]) -> Result<(), Fail> {
                let query = Json::parse(query).ok_or_else(|| invalid("query.", "wanted a JSON object"))?;
                let mut asked = Vec::new();
                let filter = if let Some(owner) = query.string("owner") {
                    format!("owner={}", percent_encoded(owner))
                } else if let Some(token) = query.string("token") {
                    format!("token={}", percent_encoded(token))
                } else if let Some(Json::Array(ids)) = query.member("ids") {
                    asked = ids.iter().filter_map(Json::text).map(str::to_string).collect();
                    let ids: Vec<String> = asked.iter().map(|id| percent_encoded(id)).collect();
                    format!("ids={}", ids.join(","))
                } else {
                    return Err(invalid("query./ids", "wanted \"owner\", \"token\" or \"ids\""));
                };
                if filter == "ids=" {
                    call.succeed("{\"workers\":[]}", Vec::new());
                    return Ok(());
                }
                let done = call.clone();
                self.send(call, "GET", &format!("/v1/workers?{filter}"), None, move |answer| {
                    let mut workers = list(&answer?, "workers");
                    // The list lags behind: what is not in it yet starts, and is not gone.
                    for id in asked {
                        if !workers.iter().any(|worker| worker.string("id") == Some(&id)) {
                            workers.push(Json::object([("id", text(id)), ("state", text("starting"))]));
                        }
                    }
                    done.succeed(&Json::object([("workers", Json::Array(workers))]).write(), Vec::new());
                    Ok(())
                })
            }

            fn terminate(self: &Arc<Self>, call: &CallRef, request: &[u8]) -> Result<(), Fail> {
                let request = Json::parse(request).unwrap_or(Json::Null);
                let ids = match request.member("ids") {
                    Some(ids @ Json::Array(_)) => ids.clone(),
                    _ => return Err(invalid("request./ids", "wanted a list of ids")),
                };
                let (done, body) = (call.clone(), Json::object([("ids", ids)]));
                self.send(call, "POST", "/v1/terminate", Some(body), move |answer| {
                    let left = list(&answer?, "left");
                    let none = left.is_empty();
                    let json = Json::object([("left", Json::Array(left))]).write();
                    if none {
                        done.succeed(&json, Vec::new());
                    } else {
                        let message = format!("wanted all workers ended, some are left for now: {json}");
                        let fail = Fail::new(UNAVAILABLE, "terminate.left", message).retry(LATER, 0);
                        done.fail(&fail, &json);
                    }
                    Ok(())
                })
            }
        }

        fn list(answer: &Json, key: &str) -> Vec<Json> {
            answer.member(key).map_or(Vec::new(), |list| list.elements().to_vec())
        }

        impl Cloud {
            /// Sends a request; `done` is given the answer, or what the cloud refused it with.
            fn send(
                &self, call: &CallRef, method: &str, path: &str, body: Option<Json>,
                done: impl FnOnce(Result<Json, Fail>) -> Result<(), Fail> + 'static,
            ) -> Result<(), Fail> {
                let sign = Json::object([("with", text("bearer")), ("secret", text(&self.secret))]);
                let headers = match body {
                    Some(_) => Json::object([("Content-Type", text("application/json"))]),
                    None => Json::object([]),
                };
                let url = text(format!("{}{path}", self.endpoint));
                let request = [("method", text(method)), ("url", url), ("headers", headers), ("sign", sign)];
                let request = Json::object(request).write();
                let body = body.map_or(Vec::new(), |body| body.write().into_bytes());
                self.host.fetch(call, &request, body, move |answer: Answer| {
                    let (headers, body) = (Json::parse(&answer.headers), Json::parse(&answer.body));
                    if let Some(refused) = refusal(answer.status, headers.as_ref(), body.as_ref()) {
                        return done(Err(refused));
                    }
                    let message = "wanted JSON in the answer of the cloud; try again later";
                    let broken = || Fail::new(UNAVAILABLE, "http.body", message).retry(LATER, 0);
                    done(Ok(body.ok_or_else(broken)?))
                })
            }

            fn page(self: &Arc<Self>, call: &CallRef, token: Option<String>) -> Result<(), Fail> {
                let mut path = format!("/v1/offerings?region={}", percent_encoded(&self.region));
                if let Some(token) = token {
                    path += &format!("&page={}", percent_encoded(&token));
                }
                let (this, done) = (self.clone(), call.clone());
                self.send(call, "GET", &path, None, move |answer| {
                    let answer = answer?;
                    let rename = |offering: &Json| match offering {
                        Json::Object(members) => Json::Object(
                            members
                                .iter()
                                .map(|(key, value)| match key.as_str() {
                                    "memory_bytes" => ("memory".to_string(), value.clone()),
                                    _ => (key.clone(), value.clone()),
                                })
                                .collect(),
                        ),
                        other => other.clone(),
                    };
                    let offerings = list(&answer, "offerings").iter().map(rename).collect();
                    let page = Json::object([("offerings", Json::Array(offerings))]).write();
                    let next = answer.string("next").map(str::to_string);
                    this.emit(&done, page, next, EMIT_TRIES)
                })
            }

            /// Hands over a page; a host that is busy is asked again after a while.
            fn emit(
                self: &Arc<Self>, call: &CallRef, page: String, next: Option<String>, tries: u32,
            ) -> Result<(), Fail> {
                for left in (0..tries).rev() {
                    if call.emit(&page)? {
                        if next.is_some() {
                            return self.page(call, next);
                        }
                        call.succeed("{}", Vec::new());
                        return Ok(());
                    }
                    if self.host.has_lane() {
                        let (this, again) = (self.clone(), call.clone());
                        let work = move || this.emit(&again, page, next, left);
                        return self.host.after(EMIT_PAUSE_NS, call, work);
                    }
                    std::thread::sleep(std::time::Duration::from_nanos(EMIT_PAUSE_NS));
                }
                Err(Fail::new(EXHAUSTED, "emit", "the host takes no more offerings").retry(LATER, 0))
            }

            fn try_offering(self: &Arc<Self>, call: &CallRef, mut launch: Launch) -> Result<(), Fail> {
                if launch.workers.len() >= launch.max || launch.next >= launch.offerings.len() {
                    return self.finish(call, launch);
                }
                let offering = &launch.offerings[launch.next];
                let body = Json::object([
                    ("token", text(uuid5::cloud_token(&launch.token, offering))),
                    ("offering", text(offering)),
                    ("count", Json::Number((launch.max - launch.workers.len()) as f64)),
                    ("boot", text(&launch.boot)),
                    ("tags", launch.tags.clone()),
                ]);
                launch.next += 1;
                let (this, done) = (self.clone(), call.clone());
                self.send(call, "POST", "/v1/launch", Some(body), move |answer| {
                    match answer {
                        Ok(answer) => launch.workers.extend(list(&answer, "workers")),
                        Err(refused) if refused.retry == ELSEWHERE => {}
                        Err(refused) => return Err(refused),
                    }
                    this.try_offering(&done, launch)
                })
            }

            /// Enough workers are a success; what is too few is ended again.
            fn finish(&self, call: &CallRef, launch: Launch) -> Result<(), Fail> {
                let found = launch.workers.len();
                let ids = launch.workers.iter().filter_map(|worker| worker.member("id").cloned()).collect();
                if found >= launch.min {
                    let workers = Json::Array(launch.workers);
                    call.succeed(&Json::object([("workers", workers)]).write(), Vec::new());
                    return Ok(());
                }
                let message = format!(
                    "wanted at least {} workers, found room for {found}; ask for other offerings",
                    launch.min
                );
                let too_few = Fail::new(EXHAUSTED, "capacity", message).retry(ELSEWHERE, 0);
                if found == 0 {
                    return Err(too_few);
                }
                let body = Json::object([("ids", Json::Array(ids))]);
                self.send(call, "POST", "/v1/terminate", Some(body), move |answer| {
                    answer?;
                    Err(too_few)
                })
            }
        }

        impl Launch {
            fn read(request: &[u8]) -> Result<Launch, Fail> {
                let request =
                    Json::parse(request).ok_or_else(|| invalid("request.", "wanted a JSON object"))?;
                let token = request
                    .string("token")
                    .ok_or_else(|| invalid("request./token", "wanted the token of the launch"))?
                    .to_string();
                let id = |offering: &Json| {
                    offering.text().or_else(|| offering.string("id")).unwrap_or("").to_string()
                };
                let offerings = list(&request, "offerings").iter().map(id).collect();
                let wanted = || invalid("request./count", "wanted whole numbers 0 <= min <= max");
                let count = request.member("count").ok_or_else(wanted)?;
                let number = |key| count.member(key).and_then(Json::count).ok_or_else(wanted);
                let (min, max) = (number("min")? as usize, number("max")? as usize);
                if max < min {
                    return Err(wanted());
                }
                let mut tags = match request.member("tags") {
                    Some(Json::Object(tags)) => tags.clone(),
                    _ => Vec::new(),
                };
                tags.push(("token".into(), text(&token)));
                let mut boot = request.string("boot").unwrap_or("").to_string();
                // The line by which a worker that nobody renews ends itself.
                if let Some(expires) = request.string("expires") {
                    let end = if boot.is_empty() || boot.ends_with('\n') { "" } else { "\n" };
                    boot += &format!("{end}# fanfold-expires: {expires}\n");
                }
                let (tags, next, workers) = (Json::Object(tags), 0, Vec::new());
                Ok(Launch { token, offerings, min, max, boot, tags, next, workers })
            }
        }

        export!(AsProvider<Cloud>);

        #[cfg(test)]
        mod tests {
            use super::*;

            fn refused(status: i32, body: &str) -> Option<Fail> {
                let headers = Json::object([("retry-after", text("3"))]);
                refusal(status, Some(&headers), Json::parse(body.as_bytes()).as_ref())
            }

            #[test]
            fn each_error_of_the_cloud_says_what_makes_another_try_worth_it() {
                assert!(refused(200, "{}").is_none());
                assert_eq!(refused(200, "{\"error\":\"AuthFailure\"}").unwrap().retry, RENEWED);
                assert_eq!(refused(409, "{\"error\":\"InsufficientCapacity\"}").unwrap().retry, ELSEWHERE);
                assert_eq!(refused(429, "{}").unwrap().retry_after_ms, 3_000);
                assert_eq!(refused(503, "<html>").unwrap().code, UNAVAILABLE);
                assert_eq!(refused(400, "{\"error\":\"BadImage\"}").unwrap().retry, NEVER);
            }

            #[test]
            fn a_token_follows_from_the_launch_and_the_offering() {
                // The example of RFC 9562, appendix A.4.
                let token = uuid5::cloud_token("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com");
                assert_eq!(token, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
                let string = Json::parse(b"\"a b\\/\\u00e4\\ud83d\\ude00\"").unwrap();
                assert_eq!(percent_encoded(string.text().unwrap()), "a%20b%2F%C3%A4%F0%9F%98%80");
            }
        }

        """#
}
