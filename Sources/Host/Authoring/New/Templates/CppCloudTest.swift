// swift-format-ignore-file
// Written by scripts/embed-templates from examples/cpp-cloud/test.cpp: change that, then run it.
extension PluginTemplates {
    static let cppCloudTest = #"""
        // test.cpp - the provider without a host: tokens, escapes, and what errors of the cloud mean.
        #undef NDEBUG
        #include "cloud.cpp"
        #include <cassert>

        static Error refused(int32_t status, const char *body) {
           auto json = Json::parse(body);
           auto headers = Json::object({{"retry-after", "3"}});
           auto error = refusal(status, headers, json ? &*json : nullptr);
           return error ? *error : Error(FAN_UNKNOWN, "none", "none");
        }

        int main() {
           char token[37];
           std::string_view space = "6ba7b810-9dad-11d1-80b4-00c04fd430c8", name = "www.example.com";
           uuid5(space.data(), space.size(), name.data(), name.size(), token);
           assert(std::string(token) == "2ed6657d-e927-568b-95e1-2665a8aea6a2"); // RFC 9562, A.4

           auto string = Json::parse("\"a b\\/\\u00e4\\ud83d\\ude00\"");
           assert(string && percent_encoded(string->text) == "a%20b%2F%C3%A4%F0%9F%98%80");

           assert(refused(200, "{}").reason == "none");
           assert(refused(200, R"({"error":"AuthFailure"})").retry == FAN_RETRY_RENEWED);
           assert(refused(409, R"({"error":"InsufficientCapacity"})").retry == FAN_RETRY_ELSEWHERE);
           assert(refused(429, "{}").retry_after_ms == 3000);
           assert(refused(503, "<html>").code == FAN_UNAVAILABLE);
           assert(refused(400, R"({"error":"BadImage"})").retry == FAN_RETRY_NEVER);
        }

        """#
}
