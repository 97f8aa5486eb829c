// swift-format-ignore-file
// Written by scripts/embed-templates from examples/cpp-words/words.cpp: change that, then run it.
extension PluginTemplates {
    static let cppWords = #"""
        // words.cpp - an executor for Fanfold: counts the words of a text, but for those of a list.
        //
        // Read fanfold_plugin.h first: it is the contract.  What this file shows:
        //   load   gets ready once, for many subtasks: here, a set of words to ignore
        //   run    works on the parts of a subtask, asks whether the answer is still wanted, says how far
        //          it is, and returns the bytes of its output
        // Nothing changes after load, so calls may overlap: FAN_CONCURRENT.
        #include "fanfold_plugin.hpp"
        #include "json.hpp"
        #include <set>

        using fanfold::Blobs, fanfold::Call, fanfold::Error;

        class Words : public fanfold::Executor {
        public:
           static constexpr fan_component component = fanfold::describe<fanfold::Executor>(
              "com.example.words", "0.1.0", "Counts the words of a text, but for those of a list.",
              "Apache-2.0", R"({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "x-fanfold-example-run": {"module": {"ignore": "the of"}, "inputs": ["the end and a start"],
                                           "outputs": ["{\"words\":4,\"ignored\":1}"]},
                "additionalProperties": false,
                "properties": {
                  "minimum": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1,
                              "description": "How many bytes a word has at least."}
                }
              })",
              nullptr, FAN_CONCURRENT);

           struct Ignored : fanfold::Module {
              std::set<std::string, std::less<>> words;
           };

           Words(const fanfold::Host &host, std::string_view config) : Executor(host) {
              auto json = Json::parse(config);
              if (!json || !json->is(Json::Kind::object))
                 throw Error(FAN_INVALID, "config.", "wanted a JSON object");
              if (auto value = json->member("minimum")) minimum = value->count().value_or(0);
              if (minimum < 1 || minimum > 1000)
                 throw Error(FAN_INVALID, "config./minimum", "wanted a whole number from 1 to 1000");
           }

           // {"ignore":"the a of"}, and texts of such words as parts.
           std::unique_ptr<fanfold::Module> load(Call &call, std::string_view spec,
                                                 const Blobs &parts) override {
              auto module = std::make_unique<Ignored>();
              auto json = spec.empty() ? Json::object() : Json::parse(spec);
              if (!json) throw Error(FAN_INVALID, "spec", "the spec of the module is not JSON");
              auto ignore = json->member("ignore");
              if (ignore && !ignore->is(Json::Kind::string))
                 throw Error(FAN_INVALID, "spec./ignore", "wanted a string of words");
              auto add = [&](std::string_view word) { module->words.emplace(word); };
              each_word(call, ignore ? ignore->text : "", add);
              for (auto &part : parts) each_word(call, part.bytes(), add);
              return module;
           }

           std::string run(Call &call, fanfold::Module &module, std::string_view,
                           const Blobs &parts) override {
              auto &ignore = static_cast<Ignored &>(module).words;
              uint64_t words = 0, ignored = 0;
              for (size_t i = 0; i < parts.size(); i++) {
                 // A host that is busy does not take it, which is no error.
                 call.emit("{\"progress\":" + std::to_string(static_cast<double>(i) / parts.size()) + "}");
                 each_word(call, parts[i].bytes(), [&](std::string_view word) {
                    bool counts = word.size() >= minimum && !ignore.count(word);
                    ++(counts ? words : ignored);
                 });
              }
              return Json::object({{"words", words}, {"ignored", ignored}}).write();
           }

        private:
           static constexpr size_t bytes_between_questions = 65536;
           uint64_t minimum = 1;

           template <class Body> static void each_word(Call &call, std::string_view text, Body body) {
              size_t start = 0;
              for (size_t i = 0; i <= text.size(); i++) {
                 if (i % bytes_between_questions == 0) call.check_cancelled();
                 if (i < text.size() && static_cast<unsigned char>(text[i]) > ' ') continue;
                 if (i > start) body(text.substr(start, i - start));
                 start = i + 1;
              }
           }
        };

        FANFOLD_PLUGIN(Words)

        """#
}
