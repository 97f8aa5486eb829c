// test.cpp - the policy without a host: one score for each pair, and nonsense is refused.
#undef NDEBUG
#include "prefer.cpp"
#include <cassert>

template <class Body> static fan_code refused(Body body) {
   try {
      body();
   } catch (const Error &error) {
      return error.code;
   }
   return FAN_OK;
}

int main() {
   fan_host raw{};
   raw.struct_size = sizeof raw;
   fanfold::Host host(&raw);
   Prefer prefer(host, R"({"label": "disk=ssd"})");
   assert(prefer.place(R"({"requests": [{"cpus": 1}, {"cpus": 2}],
                           "workers": [{"labels": []}, {"labels": ["zone=a", "disk=ssd"]}]})") ==
          R"({"scores":[[0,1],[0,1]]})");
   assert(prefer.place(R"({"requests": [], "workers": []})") == R"({"scores":[]})");
   assert(refused([&] { prefer.place("{}"); }) == FAN_INVALID);
   assert(refused([&] { prefer.predict("{}"); }) == FAN_UNIMPLEMENTED);
   assert(refused([&] { Prefer(host, R"({"label": 1})"); }) == FAN_INVALID);
}
