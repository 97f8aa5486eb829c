// prefer.cpp - a policy for Fanfold: prefers workers that have a label.
//
// Read fanfold_plugin.h first: it is the contract.  What this file shows:
//   place   reads which requests and which kinds of workers there are, and answers one score for each
//           pair.  The host keeps the scores, and chooses by them among the workers that have room.
// What it does not answer within its budget, the policy that is built into the host decides.
#include "fanfold_plugin.hpp"
#include "json.hpp"

using fanfold::Error;

class Prefer : public fanfold::Policy {
public:
   static constexpr fan_component component = fanfold::describe<fanfold::Policy>(
      "com.example.prefer", "0.1.0", "Prefers workers that have a label.", "Apache-2.0", R"({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "label": {"type": "string", "minLength": 1, "maxLength": 63, "default": "preferred",
                    "description": "The label, NAME or NAME=VALUE."}
        }
      })");

   Prefer(const fanfold::Host &, std::string_view config) {
      auto json = Json::parse(config);
      if (!json || !json->is(Json::Kind::object))
         throw Error(FAN_INVALID, "config.", "wanted a JSON object");
      if (auto value = json->member("label"))
         label_ = value->is(Json::Kind::string) ? value->text : "";
      if (label_.empty() || characters(label_) > 63)
         throw Error(FAN_INVALID, "config./label", "wanted a label of 1 to 63 characters");
   }

   std::string place(std::string_view snapshot) override {
      auto json = Json::parse(snapshot);
      auto requests = json ? json->member("requests") : nullptr;
      auto workers = json ? json->member("workers") : nullptr;
      if (!requests || !workers)
         throw Error(FAN_INVALID, "snapshot.", "wanted requests and workers");
      // It is the same for every request.
      std::vector<Json> row;
      for (auto &worker : workers->elements) row.push_back(score(worker));
      std::vector<Json> rows(requests->elements.size(), Json::array(row));
      return Json::object({{"scores", Json::array(rows)}}).write();
   }

private:
   std::string label_ = "preferred";

   static size_t characters(std::string_view text) {
      size_t count = 0;
      for (char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      return count;
   }

   // The score of a kind of workers: whether it has the label.
   uint64_t score(const Json &worker) const {
      auto labels = worker.member("labels");
      if (!labels) return 0;
      for (auto &label : labels->elements)
         if (label.is(Json::Kind::string) && label.text == label_) return 1;
      return 0;
   }
};

FANFOLD_PLUGIN(Prefer)
