// test.cpp - the executor without a host: a module is loaded once, a text is counted.
#undef NDEBUG
#include "words.cpp"
#include <cassert>

int main() {
   fan_host host{};
   host.struct_size = sizeof host;
   host.emit = [](const fan_host *, fan_op, fan_view, fan_blob *, uint32_t) -> fan_code {
      return FAN_EXHAUSTED;
   };
   static fan_code answer = FAN_OK;
   host.complete = [](const fan_host *, fan_op, const fan_error *error, fan_view, fan_blob *,
                      uint32_t) { answer = error ? error->code : FAN_OK; };
   static int32_t cancelled = 0;
   host.cancelled = [](const fan_host *, fan_op) { return cancelled; };

   Words words(fanfold::Host(&host), R"({"minimum": 2})");
   fan_call raw{};
   { Call dropped(&host, raw); }
   assert(answer == FAN_INTERNAL); // let go of without an answer
   Call call(&host, raw);
   Blobs list, parts;
   list.push_back(fanfold::Blob::bytes("and"));
   parts.push_back(fanfold::Blob::bytes(" the end and a start\n"));
   parts.emplace_back();
   auto module = words.load(call, R"({"ignore": "the of"})", list);
   assert(words.run(call, *module, "{}", parts) == R"({"words":2,"ignored":3})");
   cancelled = 1;
   try {
      words.run(call, *module, "{}", parts);
      assert(false);
   } catch (const Error &error) {
      assert(error.code == FAN_CANCELLED);
   }
}
