// rows.cpp - a strategy for Fanfold: fixed chunks of items, results in the order of the items.
//
// Read fanfold_plugin.h first: it is the contract.  What this file shows:
//   begin      reads lengths, never data
//   split      hands out slices of the input by reference, a few at a time
//   on_result  keeps the blobs of a result: nothing is copied
//   finish     gives the kept blobs back to the host as the result of the task
#include "fanfold_plugin.hpp"
#include "json.hpp"
#include <algorithm>

using fanfold::Blob, fanfold::Blobs, fanfold::Error, fanfold::Sink;

class RowsTask : public fanfold::Task {
public:
   RowsTask(uint64_t chunk, uint64_t items, std::string format)
       : chunk(chunk), items(items), format(std::move(format)) {}

   uint32_t split(uint32_t want, Sink &sink) override {
      for (; want > 0 && next_item < items; want--) {
         uint64_t count = std::min(chunk, items - next_item);
         Blobs parts;
         parts.push_back(Blob::items(0, next_item, count));
         sink.subtask(next_subtask, std::move(parts));
         next_item += count;
         next_subtask++;
      }
      return next_item < items ? FAN_SPLIT_MORE : FAN_SPLIT_END;
   }

   void on_result(uint64_t subtask, std::string_view, Blobs &parts, Sink &) override {
      if (subtask >= next_subtask) throw Error(FAN_NOT_FOUND, "subtask", "no such subtask");
      results.try_emplace(subtask, std::move(parts));
   }

   void finish(Sink &sink) override {
      std::string json = Json::object({{"format", format}}).write();
      if (results.empty()) sink.output(json, {});
      for (auto &[subtask, parts] : results) sink.output(json, std::move(parts));
   }

private:
   uint64_t chunk, items, next_item = 0, next_subtask = 0;
   std::string format;
   std::map<uint64_t, Blobs> results;
};

class Rows : public fanfold::Strategy {
public:
   static constexpr fan_component component = fanfold::describe<fanfold::Strategy>(
      "com.example.rows", "0.1.0",
      "Splits the items of one input in chunks of a fixed size and keeps their order.",
      "Apache-2.0", R"({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "items": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 1000,
                    "description": "How many items a subtask is given."}
        }
      })");

   Rows(const fanfold::Host &, std::string_view config) {
      auto json = Json::parse(config);
      if (!json || !json->is(Json::Kind::object))
         throw Error(FAN_INVALID, "config.", "wanted a JSON object");
      if (auto value = json->member("items")) chunk = value->count().value_or(0);
      if (chunk < 1 || chunk > 1000000000)
         throw Error(FAN_INVALID, "config./items", "wanted a whole number from 1 to 1000000000");
   }

   std::unique_ptr<fanfold::Task> begin(std::string_view spec, const fan_blob *,
                                        uint32_t n) override {
      auto json = Json::parse(spec);
      if (!json) throw Error(FAN_INVALID, "spec", "spec is not JSON");
      auto inputs = json->member("inputs");
      if (!inputs || inputs->elements.empty() || n < 1)
         throw Error(FAN_INVALID, "spec./inputs", "wanted one input, found none");
      auto &input = inputs->elements.front();
      auto items = input.member("items") ? input.member("items")->count() : std::nullopt;
      if (!items)
         throw Error(FAN_INVALID, "spec./inputs/0/items", "wanted a whole number of items");
      return std::make_unique<RowsTask>(chunk, *items, input.string("format", "lines"));
   }

private:
   uint64_t chunk = 1000;
};

FANFOLD_PLUGIN(Rows)
