// swift-format-ignore-file
// Written by scripts/embed-templates from Sources/PluginABI/Cpp/fanfold_plugin.hpp: change that, then run it.
extension PluginTemplates {
    static let pluginHeaderCPP = #"""
        // fanfold_plugin.hpp - fanfold_plugin.h for authors who write C++17.   Apache-2.0.  Header only.
        //
        // One class is one component: a Strategy, an Executor, a Provider or a Policy, with a
        // static `fan_component component` and a constructor from `const fanfold::Host &` and the text of its
        // configuration.  `FANFOLD_PLUGIN(Rows)` exports it.  Throw fanfold::Error, or anything else:
        // nothing that is thrown crosses, it becomes an error of the contract (FAN_INTERNAL with what()).
        //
        // JSON is left to the author: specs and answers are text.
        #ifndef FANFOLD_PLUGIN_HPP
        #define FANFOLD_PLUGIN_HPP
        #include "fanfold_values.hpp"
        #include <map>
        #include <mutex>

        namespace fanfold {

        // ----------------------------------------------------------------------------- components --

        // What an instance is to the entry.
        class Component {
        public:
           virtual ~Component() = default;
           virtual const void *table(std::string_view id) = 0;
        };

        template <class Kind> Kind &as(fan_instance *instance) {
           return static_cast<Kind &>(*reinterpret_cast<Component *>(instance));
        }

        // A table of the host; one that states a smaller size than the contract's is not touched.
        template <class Table> const Table *whole(const Table *table) {
           if (table->struct_size < sizeof(Table))
              throw Error(FAN_PRECONDITION, "host", "a table of the host is too short");
           return table;
        }

        // Where a strategy puts what it decides.  Valid in the call.
        class Sink {
        public:
           explicit Sink(const fan_sink *raw) : raw_(whole(raw)) {}
           void subtask(uint64_t id, Blobs parts, std::string_view spec = {}) {
              check(hand_over(parts, [&](fan_blob *blobs, uint32_t n) {
                 fan_subtask subtask{};
                 subtask.struct_size = sizeof subtask;
                 subtask.part_count = n;
                 subtask.id = id;
                 subtask.spec = view(spec);
                 subtask.parts = blobs;
                 return raw_->subtask(raw_, &subtask);
              }));
           }
           void withdraw(uint64_t id) { check(raw_->withdraw(raw_, id)); }
           void output(std::string_view json, Blobs parts) {
              check(hand_over(parts, [&](fan_blob *blobs, uint32_t n) {
                 return raw_->output(raw_, view(json), blobs, n);
              }));
           }

        private:
           const fan_sink *raw_;
           static void check(fan_code code) {
              if (code != FAN_OK) throw Error(code, "sink", "the host took no more");
           }
        };

        // One task of a strategy.
        class Task {
        public:
           virtual ~Task() = default;
           // Hands out up to `want` subtasks; answers FAN_SPLIT_*.
           virtual uint32_t split(uint32_t want, Sink &sink) = 0;
           // The parts are the task's to keep, unless it throws.
           virtual void on_result(uint64_t subtask, std::string_view json, Blobs &parts, Sink &sink) = 0;
           // Answers FAN_FAILED_*.
           virtual uint32_t on_failure(uint64_t, const Error &, uint32_t, Sink &) {
              return FAN_FAILED_TASK;
           }
           virtual void on_capacity(std::string_view, Sink &) {}
           virtual void finish(Sink &sink) = 0;
        };

        class Strategy : public Component {
        public:
           static constexpr uint32_t kind = FAN_KIND_STRATEGY;
           virtual std::unique_ptr<Task> begin(std::string_view spec, const fan_blob *inputs,
                                               uint32_t n) = 0;
           const void *table(std::string_view id) final;

        private:
           std::map<uint64_t, std::unique_ptr<Task>> tasks_;

           Task &task(uint64_t id) {
              auto found = tasks_.find(id);
              if (found == tasks_.end()) throw Error(FAN_NOT_FOUND, "task", "no such task has begun");
              return *found->second;
           }
           void begin_task(uint64_t id, fan_view spec, const fan_blob *inputs, uint32_t n) {
              if (tasks_.count(id)) throw Error(FAN_EXISTS, "task", "this task has begun already");
              tasks_[id] = begin(text(spec), inputs, n);
           }
           void give_result(uint64_t id, const fan_result &result, Sink sink) {
              Task &told = task(id);
              Blobs parts;
              parts.reserve(result.part_count);
              for (uint32_t i = 0; i < result.part_count; i++) parts.emplace_back(result.parts[i]);
              try {
                 told.on_result(result.subtask, text(result.json), parts, sink);
              } catch (...) {
                 for (auto &part : parts) part.give(); // they stay the host's
                 throw;
              }
              for (uint32_t i = 0; i < result.part_count; i++) result.parts[i].release = nullptr;
           }
        };

        inline const void *Strategy::table(std::string_view id) {
           static constexpr fan_strategy table = {
              sizeof(fan_strategy), 0,
              [](fan_instance *self, uint64_t id, fan_view spec, const fan_blob *inputs, uint32_t n,
                 fan_error *error) {
                 return guarded(error, [&] { as<Strategy>(self).begin_task(id, spec, inputs, n); });
              },
              [](fan_instance *self, uint64_t id, uint32_t want, const fan_sink *sink, uint32_t *state,
                 fan_error *error) {
                 return guarded(error, [&] {
                    Sink out(sink);
                    *state = as<Strategy>(self).task(id).split(want, out);
                 });
              },
              [](fan_instance *self, uint64_t id, const fan_result *result, const fan_sink *sink,
                 fan_error *error) {
                 return guarded(error, [&] { as<Strategy>(self).give_result(id, *whole(result), Sink(sink)); });
              },
              [](fan_instance *self, uint64_t id, uint64_t subtask, const fan_error *why,
                 uint32_t attempts, const fan_sink *sink, uint32_t *verdict, fan_error *error) {
                 return guarded(error, [&] {
                    Sink out(sink);
                    *verdict = as<Strategy>(self).task(id).on_failure(subtask, Error(*why), attempts, out);
                 });
              },
              [](fan_instance *self, uint64_t id, fan_view capacity, const fan_sink *sink,
                 fan_error *error) {
                 return guarded(error, [&] {
                    Sink out(sink);
                    as<Strategy>(self).task(id).on_capacity(text(capacity), out);
                 });
              },
              nullptr,
              [](fan_instance *self, uint64_t id, const fan_sink *sink, fan_error *error) {
                 return guarded(error, [&] {
                    Sink out(sink);
                    as<Strategy>(self).task(id).finish(out);
                 });
              },
              [](fan_instance *self, uint64_t id) {
                 guarded(nullptr, [&] { as<Strategy>(self).tasks_.erase(id); });
              }};
           return id == "fanfold.strategy/1" ? &table : nullptr;
        }

        // What load makes; the class of an executor's own modules derives from it.
        class Module {
        public:
           virtual ~Module() = default;
        };

        // Runs subtasks.  Calls may overlap if the component says FAN_CONCURRENT.
        class Executor : public Component {
        public:
           static constexpr uint32_t kind = FAN_KIND_EXECUTOR;
           explicit Executor(const Host &host) : host_(host) {}
           // Parts are borrowed: copy what the module keeps.
           virtual std::unique_ptr<Module> load(Call &call, std::string_view spec,
                                                const Blobs &parts) = 0;
           // Answers the bytes of the output.
           virtual std::string run(Call &call, Module &module, std::string_view spec,
                                   const Blobs &parts) = 0;
           const void *table(std::string_view id) final;

        protected:
           const Host host_;

        private:
           std::mutex lock_;
           std::map<uint64_t, std::shared_ptr<Module>> modules_;

           std::shared_ptr<Module> find(uint64_t id) {
              std::lock_guard<std::mutex> guard(lock_);
              auto found = modules_.find(id);
              return found == modules_.end() ? nullptr : found->second;
           }
           void load_module(Call &call, uint64_t id, fan_view spec, const fan_blob *raw, uint32_t n) {
              if (find(id)) throw Error(FAN_EXISTS, "module", "this module is loaded already");
              Blobs parts;
              for (uint32_t i = 0; i < n; i++) {
                 fan_blob lent = raw[i];
                 lent.release = nullptr;
                 parts.emplace_back(lent);
              }
              std::shared_ptr<Module> module = load(call, text(spec), parts);
              std::lock_guard<std::mutex> guard(lock_);
              modules_[id] = std::move(module);
           }
           void run_subtask(Call &call, uint64_t id, const fan_subtask &subtask) {
              Blobs parts;
              parts.reserve(subtask.part_count);
              for (uint32_t i = 0; i < subtask.part_count; i++)
                 parts.push_back(Blob::take(subtask.parts[i]));
              auto module = find(id);
              if (!module) throw Error(FAN_NOT_FOUND, "module", "no such module is loaded");
              std::string output = run(call, *module, text(subtask.spec), parts);
              call.check_cancelled();
              Blobs outputs;
              outputs.push_back(Blob::bytes(output));
              call.succeed("{}", std::move(outputs));
           }
        };

        inline const void *Executor::table(std::string_view id) {
           static constexpr fan_executor table = {
              sizeof(fan_executor), 0,
              [](fan_instance *self, const fan_call *raw, uint64_t id, fan_view spec,
                 const fan_blob *parts, uint32_t n) {
                 Call call(as<Executor>(self).host_.raw(), *raw);
                 call.attempt([&] {
                    as<Executor>(self).load_module(call, id, spec, parts, n);
                    call.succeed("{}");
                 });
              },
              [](fan_instance *self, const fan_call *raw, uint64_t id, const fan_subtask *subtask) {
                 Call call(as<Executor>(self).host_.raw(), *raw);
                 call.attempt([&] { as<Executor>(self).run_subtask(call, id, *subtask); });
              },
              [](fan_instance *self, uint64_t id) {
                 guarded(nullptr, [&] {
                    std::lock_guard<std::mutex> guard(as<Executor>(self).lock_);
                    as<Executor>(self).modules_.erase(id);
                 });
              }};
           return id == "fanfold.executor/1" ? &table : nullptr;
        }

        // Rents workers.  Keeps no state: the tags on the workers are the database.
        class Provider : public Component {
        public:
           static constexpr uint32_t kind = FAN_KIND_PROVIDER;
           using CallRef = std::shared_ptr<Call>;
           explicit Provider(const Host &host) : host_(host) {}
           // The documents are good until the call returns: read what is wanted later.
           virtual void check(CallRef call) = 0;
           virtual void offerings(CallRef call, std::string_view query) = 0;
           virtual void launch(CallRef call, std::string_view request) = 0;
           virtual void describe(CallRef call, std::string_view query) = 0;
           virtual void terminate(CallRef call, std::string_view request) = 0;
           const void *table(std::string_view id) final;

        protected:
           const Host host_;

        private:
           template <class Body> static void answer(fan_instance *self, const fan_call *raw, Body body) {
              guarded(nullptr, [&] {
                 auto &provider = as<Provider>(self);
                 auto call = std::make_shared<Call>(provider.host_.raw(), *raw);
                 call->attempt([&] { body(provider, call); });
              });
           }
        };

        inline const void *Provider::table(std::string_view id) {
           static constexpr fan_provider table = {
              sizeof(fan_provider), 0,
              [](fan_instance *self, const fan_call *call) {
                 answer(self, call, [](Provider &p, CallRef &c) { p.check(c); });
              },
              [](fan_instance *self, const fan_call *call, fan_view query) {
                 answer(self, call, [&](Provider &p, CallRef &c) { p.offerings(c, text(query)); });
              },
              [](fan_instance *self, const fan_call *call, fan_view request) {
                 answer(self, call, [&](Provider &p, CallRef &c) { p.launch(c, text(request)); });
              },
              [](fan_instance *self, const fan_call *call, fan_view query) {
                 answer(self, call, [&](Provider &p, CallRef &c) { p.describe(c, text(query)); });
              },
              [](fan_instance *self, const fan_call *call, fan_view request) {
                 answer(self, call, [&](Provider &p, CallRef &c) { p.terminate(c, text(request)); });
              }};
           return id == "fanfold.provider/1" ? &table : nullptr;
        }

        // Says how well each kind of workers suits each request.
        class Policy : public Component {
        public:
           static constexpr uint32_t kind = FAN_KIND_POLICY;
           // Answers {"scores": [[...], ...]}: for each request a list with a finite number for each kind of
           // workers, in order; higher is better.
           virtual std::string place(std::string_view snapshot) = 0;
           // Told {"outcomes": [...], "dropped": n}: how attempts ended, as fanfold_plugin.h says.  What it throws
           // goes nowhere.
           virtual void observe(std::string_view) {}
           // Reserved: no host calls it.
           virtual std::string predict(std::string_view) {
              throw Error(FAN_UNIMPLEMENTED, "predict", "this policy predicts nothing");
           }
           const void *table(std::string_view id) final;
        };

        inline const void *Policy::table(std::string_view id) {
           static constexpr fan_policy table = {
              sizeof(fan_policy), 0,
              [](fan_instance *self, fan_view query, const fan_sink *sink, fan_error *error) {
                 return guarded(error, [&] { Sink(sink).output(as<Policy>(self).predict(text(query)), {}); });
              },
              [](fan_instance *self, fan_view outcomes) {
                 guarded(nullptr, [&] { as<Policy>(self).observe(text(outcomes)); });
              },
              [](fan_instance *self, fan_view snapshot, const fan_sink *sink, fan_error *error) {
                 return guarded(error, [&] { Sink(sink).output(as<Policy>(self).place(text(snapshot)), {}); });
              }};
           return id == "fanfold.policy/1" ? &table : nullptr;
        }

        // ---------------------------------------------------------------------------------- entry --

        // A component's description with what is the same for all of a kind.
        template <class C>
        constexpr fan_component describe(const char *id, const char *version, const char *summary,
                                         const char *license, const char *config_schema,
                                         const char *const *needs_services = nullptr, uint32_t flags = 0) {
           return {sizeof(fan_component), C::kind, flags, 0,       id,           version, summary,
                   nullptr,               license, nullptr, config_schema, needs_services};
        }

        template <class... Cs> struct Entry {
           static fan_code create(const fan_component *component, const fan_host *host, fan_view config,
                                  fan_instance **out, fan_error *error) {
              return guarded(error, [&] {
                 std::string_view id = component->id;
                 Component *made = nullptr;
                 bool known =
                    ((id == Cs::component.id && (made = new Cs(Host(whole(host)), text(config)), true)) || ...);
                 if (!known) throw Error(FAN_NOT_FOUND, "component", "no such component");
                 *out = reinterpret_cast<fan_instance *>(made);
              });
           }
           static const void *query(fan_instance *instance, const char *id) {
              return reinterpret_cast<Component *>(instance)->table(id);
           }
           static void destroy(fan_instance *instance) {
              guarded(nullptr, [&] { delete reinterpret_cast<Component *>(instance); });
           }
           static constexpr const fan_component *components[] = {&Cs::component..., nullptr};
           static constexpr fan_plugin plugin = {sizeof(fan_plugin), FAN_ABI_MINOR, components,
                                                 create,             query,         destroy};
        };

        } // namespace fanfold

        // The one symbol of a plugin, for one or more components.
        #define FANFOLD_PLUGIN(...)                                                                       \
           extern "C" FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) {                              \
              return &fanfold::Entry<__VA_ARGS__>::plugin;                                                \
           }
        #endif

        """#
}
