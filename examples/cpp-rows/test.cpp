// test.cpp - the strategy without a host: every item once, results in the order of the items.
#undef NDEBUG
#include "rows.cpp"
#include <cassert>

static std::vector<std::pair<uint64_t, uint64_t>> slices;
static std::string output;

int main() {
   fan_sink raw{};
   raw.struct_size = sizeof raw;
   raw.subtask = [](const fan_sink *, const fan_subtask *subtask) -> fan_code {
      slices.emplace_back(subtask->parts[0].offset, subtask->parts[0].size);
      return FAN_OK;
   };
   raw.output = [](const fan_sink *, fan_view, fan_blob *parts, uint32_t n) -> fan_code {
      for (uint32_t i = 0; i < n; i++) output += Blob(parts[i]).bytes();
      return FAN_OK;
   };
   fanfold::Sink sink(&raw);
   RowsTask task(4, 10, "lines");
   assert(task.split(2, sink) == FAN_SPLIT_MORE);
   assert(task.split(9, sink) == FAN_SPLIT_END);
   assert((slices == decltype(slices){{0, 4}, {4, 4}, {8, 2}}));
   for (uint64_t id : {2, 0, 1}) {
      Blobs parts;
      parts.push_back(Blob::bytes(std::to_string(id)));
      task.on_result(id, "{}", parts, sink);
   }
   task.finish(sink);
   assert(output == "012");
   bool refused = false;
   try {
      Rows rows(fanfold::Host(nullptr), R"({"items": 0})");
   } catch (const Error &error) {
      refused = error.reason == "config./items";
   }
   assert(refused);

   // Nothing that is thrown crosses.
   fan_error error{};
   assert(fanfold::guarded(&error, [] { throw std::runtime_error("boom"); }) == FAN_INTERNAL);
   assert(std::string(error.message) == "boom");
   assert(fanfold::guarded(nullptr, [] { throw 1; }) == FAN_INTERNAL);
}
