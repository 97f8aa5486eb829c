// swift-format-ignore-file
// Written by scripts/embed-templates from Sources/PluginABI/Cpp/fanfold_values.hpp: change that, then run it.
extension PluginTemplates {
    static let valuesHeaderCPP = #"""
        // fanfold_values.hpp - what crosses the contract, for authors who write C++17.   Apache-2.0.
        //
        // Errors and the barrier that no exception passes, blobs that give themselves back, the host and
        // its calls.  Included by fanfold_plugin.hpp, which has the components.
        #ifndef FANFOLD_VALUES_HPP
        #define FANFOLD_VALUES_HPP
        #include "fanfold_plugin.h"
        #include <atomic>
        #include <cstdlib>
        #include <exception>
        #include <functional>
        #include <memory>
        #include <new>
        #include <stdexcept>
        #include <string>
        #include <string_view>
        #include <utility>
        #include <vector>

        namespace fanfold {

        inline fan_view view(std::string_view text) { return {text.data(), text.size()}; }
        inline std::string_view text(fan_view view) {
           return {static_cast<const char *>(view.size ? view.data : ""), view.size};
        }

        // What went wrong, and what would make another try worth it.
        struct Error : std::runtime_error {
           fan_code code;
           uint32_t retry, retry_after_ms;
           std::string reason;

           Error(fan_code code, std::string reason, const std::string &message,
                 uint32_t retry = FAN_RETRY_NEVER, uint32_t retry_after_ms = 0)
               : std::runtime_error(message), code(code == FAN_OK ? FAN_UNKNOWN : code), retry(retry),
                 retry_after_ms(retry_after_ms), reason(std::move(reason)) {}
           explicit Error(const fan_error &error)
               : Error(error.code, error.reason, error.message, error.retry, error.retry_after_ms) {}

           // The error as C says it: bounded copies, cut where a character ends.
           fan_code fill(fan_error *error) const {
              if (error) {
                 error->code = code;
                 error->retry = retry;
                 error->retry_after_ms = retry_after_ms;
                 copy(reason, error->reason);
                 copy(*what() ? what() : "the plugin gives no reason", error->message);
              }
              return code;
           }

        private:
           template <size_t N> static void copy(std::string_view text, char (&field)[N]) {
              size_t size = text.size() < N ? text.size() : N - 1;
              while (size > 0 && size < text.size() && (text[size] & 0xC0) == 0x80) size--;
              while (size > 0 && text[size - 1] == '\n') size--;
              if (size) memcpy(field, text.data(), size);
              field[size] = 0;
           }
        };

        // The barrier: runs one call of the host; what is thrown becomes an error.
        template <class Body> fan_code guarded(fan_error *error, Body body) noexcept {
           try {
              body();
              return FAN_OK;
           } catch (const Error &thrown) {
              return thrown.fill(error);
           } catch (const std::bad_alloc &) {
              return fan_fail(error, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
           } catch (const std::exception &thrown) {
              char message[sizeof error->message] = "";
              strncpy(message, thrown.what(), sizeof message - 1);
              return fan_fail(error, FAN_INTERNAL, FAN_RETRY_NEVER, "plugin.exception",
                              *message ? message : "the plugin threw an exception without a reason");
           } catch (...) {
              return fan_fail(error, FAN_INTERNAL, FAN_RETRY_NEVER, "plugin.exception",
                              "the plugin threw something that is no exception");
           }
        }

        // Bytes that somebody owns; given back when the object goes.  Moved, never copied.
        class Blob {
        public:
           Blob() = default;
           explicit Blob(fan_blob raw) : raw_(raw) {}
           // Takes over a blob of the host: one that it lends has no release and stays the host's.
           static Blob take(fan_blob &theirs) {
              Blob blob(theirs);
              if (theirs.release) theirs.release = nullptr;
              return blob;
           }
           static Blob bytes(std::string_view bytes) {
              fan_blob raw{};
              raw.kind = FAN_BLOB_BYTES;
              raw.flags = 1;
              if (!bytes.empty()) {
                 void *memory = malloc(bytes.size());
                 if (!memory) throw std::bad_alloc();
                 memcpy(memory, bytes.data(), bytes.size());
                 raw.data = memory;
                 raw.size = bytes.size();
                 raw.release = [](fan_blob *blob) {
                    free(const_cast<void *>(blob->data));
                    blob->release = nullptr;
                 };
              }
              return Blob(raw);
           }
           // A slice of a task's input, by reference.
           static Blob items(int64_t input, uint64_t first, uint64_t count) {
              fan_blob raw{};
              raw.kind = FAN_BLOB_ITEMS;
              raw.handle = input;
              raw.offset = first;
              raw.size = count;
              return Blob(raw);
           }
           // The first part of the result of another subtask, which runs first.
           static Blob result(uint64_t subtask) {
              fan_blob raw{};
              raw.kind = FAN_BLOB_RESULT;
              raw.handle = static_cast<int64_t>(subtask);
              return Blob(raw);
           }
           Blob(Blob &&other) noexcept : raw_(std::exchange(other.raw_, fan_blob{})) {}
           Blob &operator=(Blob &&other) noexcept {
              std::swap(raw_, other.raw_);
              return *this;
           }
           ~Blob() {
              if (raw_.release) raw_.release(&raw_);
           }

           const fan_blob &raw() const { return raw_; }
           // Gives the blob away: whoever takes the struct releases it.
           fan_blob give() { return std::exchange(raw_, fan_blob{}); }
           // The bytes; an error for a blob that holds them elsewhere.
           std::string_view bytes() const {
              if ((raw_.kind != FAN_BLOB_BYTES && raw_.kind != FAN_BLOB_NONE) || (!raw_.data && raw_.size))
                 throw Error(FAN_UNIMPLEMENTED, "parts",
                             "wanted a part that holds bytes, found a blob of kind " +
                                std::to_string(raw_.kind));
              return {static_cast<const char *>(raw_.size ? raw_.data : ""), raw_.size};
           }

        private:
           fan_blob raw_{};
        };

        using Blobs = std::vector<Blob>;

        // Offers blobs to the host; if it does not take them they are the caller's again.
        template <class Body> fan_code hand_over(Blobs &blobs, Body body) {
           std::vector<fan_blob> raw;
           raw.reserve(blobs.size());
           for (auto &blob : blobs) raw.push_back(blob.give());
           fan_code code = body(raw.data(), static_cast<uint32_t>(raw.size()));
           if (code != FAN_OK)
              for (size_t i = 0; i < raw.size(); i++) blobs[i] = Blob(raw[i]);
           return code;
        }

        // What a server answered.
        struct HttpAnswer {
           int32_t status;
           std::string headers; // a JSON object of strings, names in lower case
           std::string body;
        };

        class Call;

        // What the host offers; good for as long as the instance.
        class Host {
        public:
           explicit Host(const fan_host *raw) : raw_(raw) {}
           const fan_host *raw() const { return raw_; }
           void log(int32_t level, const char *message, std::string_view fields = {}) const {
              raw_->log(raw_, level, message, view(fields));
           }
           uint64_t now() const { return raw_->now(raw_); }
           // A service, for example service<fan_store>("fanfold.store/1"); null if the host withholds it.
           template <class Table> const Table *service(const char *id) const {
              auto table = static_cast<const Table *>(raw_->service(raw_, id));
              return table && table->struct_size >= sizeof(Table) ? table : nullptr;
           }
           // Refuses a host that withholds a service: call it in the constructor.
           template <class Table> const Table &needed(const char *id) const {
              if (auto table = service<Table>(id)) return *table;
              throw Error(FAN_PRECONDITION, std::string("service.") + id,
                          std::string("wanted the service ") + id + ", which this host withholds");
           }
           // Sends a request of fanfold.http/1; `done` runs on the lane.  What fails, or is thrown by
           // `done`, ends the call.
           void fetch(std::shared_ptr<Call> call, std::string_view request, std::string_view body,
                      std::function<void(HttpAnswer)> done) const;
           // Runs `work` on the lane after a while.
           void after(uint64_t nanoseconds, std::shared_ptr<Call> call, std::function<void()> work) const;

        private:
           const fan_host *raw_;
        };

        // An asynchronous call that waits for its one answer.  Let go of without one, it fails.
        class Call {
        public:
           Call(const fan_host *host, const fan_call &call)
               : host_(host), op(call.op), deadline(call.deadline) {}
           Call(const Call &) = delete;
           ~Call() {
              if (!answered_)
                 fail(Error(FAN_INTERNAL, "plugin.dropped",
                            "the plugin let go of the call without an answer; report it to its author"));
           }
           bool cancelled() const { return host_->cancelled(host_, op) != 0; }
           void check_cancelled() const {
              if (cancelled())
                 throw Error(FAN_CANCELLED, "cancelled", "the answer is not wanted any more");
           }
           // Says something before the end.  False: the host is busy, try again later.
           bool emit(std::string_view json) {
              fan_code code = host_->emit(host_, op, view(json), nullptr, 0);
              if (code != FAN_OK && code != FAN_EXHAUSTED)
                 throw Error(code, "emit", "the host takes no more before the end");
              return code == FAN_OK;
           }
           void succeed(std::string_view json, Blobs parts = {}) {
              if (answered_.exchange(true)) return again();
              hand_over(parts, [&](fan_blob *blobs, uint32_t n) {
                 host_->complete(host_, op, nullptr, view(json), n ? blobs : nullptr, n);
                 return FAN_OK;
              });
           }
           void fail(const Error &error, std::string_view json = {}) {
              fan_error raw{};
              raw.struct_size = sizeof raw;
              error.fill(&raw);
              fail(raw, json);
           }
           // Runs a part of the call; what is thrown is its answer.
           template <class Body> void attempt(Body body) noexcept {
              fan_error raw{};
              raw.struct_size = sizeof raw;
              if (guarded(&raw, body) != FAN_OK) fail(raw, {});
           }

        private:
           const fan_host *host_;
           std::atomic<bool> answered_{false};

           void fail(const fan_error &raw, std::string_view json) {
              if (answered_.exchange(true)) return again();
              host_->complete(host_, op, &raw, view(json), nullptr, 0);
           }
           void again() {
              host_->log(host_, FAN_LOG_WARN, "a call was answered more than once; the first counts",
                         view({}));
           }

        public:
           const fan_op op;
           const uint64_t deadline; // 0 = none
        };

        inline void Host::fetch(std::shared_ptr<Call> call, std::string_view request,
                                std::string_view body, std::function<void(HttpAnswer)> done) const {
           struct Pending {
              std::shared_ptr<Call> call;
              std::function<void(HttpAnswer)> done;
           };
           auto &http = needed<fan_http>("fanfold.http/1");
           auto pending = new Pending{std::move(call), std::move(done)};
           fan_blob blob = Blob::bytes(body).give();
           http.fetch(
              raw_, pending->call->op, view(request), body.empty() ? nullptr : &blob,
              [](void *user, const fan_error *error, int32_t status, fan_view headers, fan_blob *body) {
                 std::unique_ptr<Pending> pending(static_cast<Pending *>(user));
                 Blob owned = body ? Blob::take(*body) : Blob();
                 pending->call->attempt([&] {
                    if (error && error->code != FAN_OK) throw Error(*error);
                    pending->done({status, std::string(text(headers)), std::string(owned.bytes())});
                 });
              },
              pending);
        }

        inline void Host::after(uint64_t nanoseconds, std::shared_ptr<Call> call,
                                std::function<void()> work) const {
           struct Pending {
              std::shared_ptr<Call> call;
              std::function<void()> work;
           };
           auto &lane = needed<fan_lane>("fanfold.lane/1");
           lane.after(
              raw_, nanoseconds,
              [](void *user) {
                 std::unique_ptr<Pending> pending(static_cast<Pending *>(user));
                 pending->call->attempt(pending->work);
              },
              new Pending{std::move(call), std::move(work)});
        }

        } // namespace fanfold
        #endif

        """#
}
