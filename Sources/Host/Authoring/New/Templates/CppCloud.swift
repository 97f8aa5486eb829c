// swift-format-ignore-file
// Written by scripts/embed-templates from examples/cpp-cloud/cloud.cpp: change that, then run it.
extension PluginTemplates {
    static let cppCloud = #"""
        // cloud.cpp - a provider for Fanfold: rents workers from the fake cloud, whose API is
        // docs/plugins/fake-cloud.md of Fanfold.
        //
        // Read fanfold_plugin.h first: it is the contract.  What this file shows:
        //   send      every request goes through the host, signed by the name of a secret
        //   refusal   what each error of the cloud means: what would make another try worth it
        //   launch    one token for each offering tried; too few workers are ended again
        // Replace the paths, the shapes and the table of errors by those of a cloud of yours, and take
        // "x-fanfold-cloud" out of the schema.
        #include "fanfold_plugin.hpp"
        #include "json.hpp"
        #include "uuid5.h"
        #include <thread>

        using fanfold::Call, fanfold::Error;
        using CallRef = std::shared_ptr<Call>;
        using Kind = Json::Kind;

        // Text as a part of a URL's query.  Source: RFC 3986, section 2.3.
        inline std::string percent_encoded(std::string_view text) {
           std::string out;
           for (char c : text) {
              char code[4];
              bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           (c && strchr("-._~", c));
              snprintf(code, sizeof code, plain ? "%c" : "%%%02X", static_cast<unsigned char>(c));
              out += code;
           }
           return out;
        }

        // What makes of an answer a failure; nothing if it is none.  A code in the body counts more than
        // the status: some answer 200 and mean something else.
        inline std::optional<Error> refusal(int32_t status, const Json &headers, const Json *body) {
           struct Row {
              std::string_view name;
              int32_t status;
              fan_code code;
              uint32_t retry;
              const char *advice;
           };
           static constexpr Row table[] = {
              {"AuthFailure", 401, FAN_UNAUTHENTICATED, FAN_RETRY_RENEWED, "renew the credentials"},
              {"ExpiredToken", 401, FAN_UNAUTHENTICATED, FAN_RETRY_RENEWED, "renew the credentials"},
              {"QuotaExceeded", 402, FAN_EXHAUSTED, FAN_RETRY_RENEWED, "ask for more quota"},
              {"Forbidden", 403, FAN_DENIED, FAN_RETRY_RENEWED, "ask for the permission"},
              {"InsufficientCapacity", 409, FAN_EXHAUSTED, FAN_RETRY_ELSEWHERE, "try another offering"},
              {"Throttled", 429, FAN_EXHAUSTED, FAN_RETRY_LATER, "try again later"},
           };
           bool named = body && body->member("error");
           if (!named && status < 400) return {};
           std::string name = named ? body->string("error", "error").substr(0, 40) : "";
           Row row = status >= 500
                        ? Row{"", 0, FAN_UNAVAILABLE, FAN_RETRY_LATER, "try again later"}
                        : Row{"", 0, FAN_INVALID, FAN_RETRY_NEVER, "change the request"};
           for (auto &known : table)
              if (named ? known.name == name : known.status == status) row = known;
           uint64_t seconds = strtoull(headers.string("retry-after", "0").c_str(), nullptr, 10);
           std::string told = body ? body->string("message") : "";
           return Error(row.code, "cloud." + (named ? name : std::to_string(status)),
                        "the cloud refused with " + (named ? name : "no reason") + " (status " +
                           std::to_string(status) + "); " + row.advice +
                           (told.empty() ? "" : ". It says: " + told),
                        row.retry, static_cast<uint32_t>(seconds % 4000000 * 1000));
        }

        class Cloud : public fanfold::Provider {
        public:
           static constexpr const char *services[] = {"fanfold.http/1", nullptr};
           static constexpr fan_component component = fanfold::describe<fanfold::Provider>(
              "com.example.cloud", "0.1.0", "Rents workers from the fake cloud.", "Apache-2.0", R"({
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
              })",
              services);

           Cloud(const fanfold::Host &host, std::string_view config) : Provider(host) {
              host.needed<fan_http>("fanfold.http/1");
              auto json = Json::parse(config);
              if (!json || !json->is(Kind::object))
                 throw Error(FAN_INVALID, "config.", "wanted a JSON object");
              for (auto [key, value] : {std::pair("endpoint", &endpoint), std::pair("secret", &secret),
                                        std::pair("region", &region)}) {
                 auto found = json->member(key);
                 if (found && !found->is(Kind::string))
                    throw Error(FAN_INVALID, std::string("config./") + key, "wanted a string");
                 *value = json->string(key, *value);
              }
              if (endpoint.rfind("http://", 0) != 0 && endpoint.rfind("https://", 0) != 0)
                 throw Error(FAN_INVALID, "config./endpoint", "wanted a URL, for example http://...");
              if (secret.empty())
                 throw Error(FAN_INVALID, "config./secret", "wanted the name of a secret");
           }

           void check(CallRef call) override {
              send(call, "GET", "/v1/whoami", nullptr, [call](const Json &) {
                 call->succeed(R"({"checks":[{"name":"credentials","ok":true,"fix":""}]})");
              });
           }

           void offerings(CallRef call, std::string_view query) override {
              if (!query.empty() && !Json::parse(query))
                 throw Error(FAN_INVALID, "query.", "wanted a JSON object");
              page(call, "");
           }

           void launch(CallRef call, std::string_view text) override;

           void describe(CallRef call, std::string_view text) override {
              auto query = Json::parse(text);
              if (!query) throw Error(FAN_INVALID, "query.", "wanted a JSON object");
              Json ids = Json::array();
              std::string filter;
              if (query->member("owner")) filter = "owner=" + percent_encoded(query->string("owner"));
              else if (query->member("token")) filter = "token=" + percent_encoded(query->string("token"));
              else if (auto asked = query->member("ids"); asked && asked->is(Kind::array)) {
                 ids = *asked;
                 if (ids.elements.empty()) return call->succeed(R"({"workers":[]})");
                 for (auto &id : ids.elements)
                    filter += (filter.empty() ? "ids=" : ",") + percent_encoded(id.text);
              } else {
                 throw Error(FAN_INVALID, "query./ids", R"(wanted "owner", "token" or "ids")");
              }
              send(call, "GET", "/v1/workers?" + filter, nullptr, [call, ids](const Json &answer) {
                 Json workers = list(answer, "workers");
                 auto listed = workers.elements;
                 // The list lags behind: what is not in it yet starts, and is not gone.
                 for (auto &id : ids.elements) {
                    bool found = false;
                    for (auto &worker : listed) found |= worker.string("id") == id.text;
                    if (!found)
                       workers.elements.push_back(Json::object({{"id", id}, {"state", "starting"}}));
                 }
                 call->succeed(Json::object({{"workers", workers}}).write());
              });
           }

           void terminate(CallRef call, std::string_view text) override {
              auto request = Json::parse(text);
              auto ids = request ? request->member("ids") : nullptr;
              if (!ids || !ids->is(Kind::array))
                 throw Error(FAN_INVALID, "request./ids", "wanted a list of ids");
              Json body = Json::object({{"ids", *ids}});
              send(call, "POST", "/v1/terminate", &body, [call](const Json &answer) {
                 Json left = list(answer, "left");
                 std::string json = Json::object({{"left", left}}).write();
                 if (left.elements.empty()) return call->succeed(json);
                 call->fail(Error(FAN_UNAVAILABLE, "terminate.left",
                                  "wanted all workers ended, some are left for now: " + left.write(),
                                  FAN_RETRY_LATER),
                            json);
              });
           }

        private:
           static constexpr int emit_tries = 2000;
           static constexpr std::chrono::nanoseconds emit_pause{5000000};
           std::string endpoint = "http://fake-cloud.test", secret = "fake", region = "here";

           static Json list(const Json &answer, std::string_view key) {
              auto found = answer.member(key);
              return found && found->is(Kind::array) ? *found : Json::array();
           }

           // Sends a request.  A refusal is the answer of the call, unless `refused` takes it.
           void send(CallRef call, const char *method, const std::string &path, const Json *body,
                     std::function<void(const Json &)> done,
                     std::function<bool(const Error &)> refused = {}) {
              auto request = Json::object({{"method", method}, {"url", endpoint + path}});
              if (body)
                 request.members.push_back(
                    {"headers", Json::object({{"Content-Type", "application/json"}})});
              request.members.push_back(
                 {"sign", Json::object({{"with", "bearer"}, {"secret", secret}})});
              host_.fetch(call, request.write(), body ? body->write() : "",
                          [done, refused](fanfold::HttpAnswer answer) {
                             auto json = Json::parse(answer.body);
                             auto headers = Json::parse(answer.headers).value_or(Json::object());
                             if (auto error = refusal(answer.status, headers, json ? &*json : nullptr)) {
                                if (refused && refused(*error)) return;
                                throw *error;
                             }
                             if (!json)
                                throw Error(FAN_UNAVAILABLE, "http.body",
                                            "wanted JSON in the answer of the cloud; try again later",
                                            FAN_RETRY_LATER);
                             done(*json);
                          });
           }

           void page(CallRef call, const std::string &token) {
              std::string path = "/v1/offerings?region=" + percent_encoded(region);
              if (!token.empty()) path += "&page=" + percent_encoded(token);
              send(call, "GET", path, nullptr, [this, call](const Json &answer) {
                 Json page = list(answer, "offerings");
                 for (auto &offering : page.elements)
                    for (auto &member : offering.members)
                       if (member.first == "memory_bytes") member.first = "memory";
                 emit(call, Json::object({{"offerings", page}}).write(), answer.string("next"), emit_tries);
              });
           }

           // Hands over a page; a host that is busy is asked again after a while.
           void emit(CallRef call, const std::string &json, const std::string &next, int tries) {
              for (; !call->emit(json); tries--) {
                 if (tries <= 0)
                    throw Error(FAN_EXHAUSTED, "emit", "the host takes no more offerings",
                                FAN_RETRY_LATER);
                 if (host_.service<fan_lane>("fanfold.lane/1"))
                    return host_.after(emit_pause.count(), call,
                                       [=] { emit(call, json, next, tries - 1); });
                 std::this_thread::sleep_for(emit_pause);
              }
              if (next.empty()) call->succeed("{}");
              else page(call, next);
           }

           struct Launch;
           void try_offering(CallRef call, std::shared_ptr<Launch> launch);
           void finish(CallRef call, std::shared_ptr<Launch> launch);
        };

        // A launch on its way from offering to offering.
        struct Cloud::Launch {
           std::string token, boot;
           std::vector<std::string> offerings; // best first
           Json tags = Json::object();
           uint64_t min = 0, max = 0;
           size_t next = 0;
           std::vector<Json> workers;

           explicit Launch(std::string_view text) {
              auto request = Json::parse(text);
              if (!request) throw Error(FAN_INVALID, "request.", "wanted a JSON object");
              token = request->string("token");
              if (token.empty())
                 throw Error(FAN_INVALID, "request./token", "wanted the token of the launch");
              for (auto &offering : list(*request, "offerings").elements)
                 offerings.push_back(offering.is(Kind::string) ? offering.text : offering.string("id"));
              auto number = [&](const char *key) {
                 auto count = request->member("count");
                 auto value = count && count->member(key) ? count->member(key)->count() : std::nullopt;
                 if (!value)
                    throw Error(FAN_INVALID, "request./count", "wanted whole numbers 0 <= min <= max");
                 return *value;
              };
              min = number("min");
              max = number("max");
              if (max < min)
                 throw Error(FAN_INVALID, "request./count", "wanted whole numbers 0 <= min <= max");
              boot = request->string("boot");
              if (auto found = request->member("tags")) tags = *found;
              tags.members.push_back({"token", token});
              // The line by which a worker that nobody renews ends itself.
              std::string expires = request->string("expires");
              if (expires.empty()) return;
              if (!boot.empty() && boot.back() != '\n') boot += '\n';
              boot += "# fanfold-expires: " + expires + "\n";
           }
        };

        void Cloud::launch(CallRef call, std::string_view text) {
           try_offering(call, std::make_shared<Launch>(text));
        }

        void Cloud::try_offering(CallRef call, std::shared_ptr<Launch> launch) {
           if (launch->workers.size() >= launch->max || launch->next >= launch->offerings.size())
              return finish(call, launch);
           std::string offering = launch->offerings[launch->next++];
           char token[37];
           uuid5(launch->token.data(), launch->token.size(), offering.data(), offering.size(), token);
           Json body = Json::object({{"token", token},
                                     {"offering", offering},
                                     {"count", launch->max - launch->workers.size()},
                                     {"boot", launch->boot},
                                     {"tags", launch->tags}});
           send(
              call, "POST", "/v1/launch", &body,
              [=](const Json &answer) {
                 for (auto &worker : list(answer, "workers").elements) launch->workers.push_back(worker);
                 try_offering(call, launch);
              },
              [=](const Error &error) {
                 if (error.retry != FAN_RETRY_ELSEWHERE) return false;
                 try_offering(call, launch);
                 return true;
              });
        }

        // Enough workers are a success; what is too few is ended again.
        void Cloud::finish(CallRef call, std::shared_ptr<Launch> launch) {
           if (launch->workers.size() >= launch->min)
              return call->succeed(Json::object({{"workers", Json::array(launch->workers)}}).write());
           Error error(FAN_EXHAUSTED, "capacity",
                       "wanted at least " + std::to_string(launch->min) + " workers, found room for " +
                          std::to_string(launch->workers.size()) + "; ask for other offerings",
                       FAN_RETRY_ELSEWHERE);
           if (launch->workers.empty()) throw error;
           Json ids = Json::array();
           for (auto &worker : launch->workers) ids.elements.push_back(worker.string("id"));
           Json body = Json::object({{"ids", ids}});
           send(call, "POST", "/v1/terminate", &body, [error](const Json &) { throw error; });
        }

        FANFOLD_PLUGIN(Cloud)

        """#
}
