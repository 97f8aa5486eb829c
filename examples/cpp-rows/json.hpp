// json.hpp - reads a JSON document strictly, and writes one.
#ifndef JSON_HPP
#define JSON_HPP
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

class Json {
public:
   enum class Kind { null, boolean, number, string, array, object };
   static constexpr int max_depth = 64; // levels

   Kind kind = Kind::null;
   bool boolean = false;
   std::string text; // of a string; of a number, as it is written
   std::vector<Json> elements;
   std::vector<std::pair<std::string, Json>> members;

   Json() = default;
   Json(bool value) : kind(Kind::boolean), boolean(value) {}
   Json(std::string value) : kind(Kind::string), text(std::move(value)) {}
   Json(const char *value) : Json(std::string(value)) {}
   Json(uint64_t value) : kind(Kind::number), text(std::to_string(value)) {}
   static Json array(std::vector<Json> elements = {}) {
      Json json;
      json.kind = Kind::array;
      json.elements = std::move(elements);
      return json;
   }
   static Json object(std::vector<std::pair<std::string, Json>> members = {}) {
      Json json;
      json.kind = Kind::object;
      json.members = std::move(members);
      return json;
   }

   // Nothing if the text is not one JSON value.
   static std::optional<Json> parse(std::string_view text) {
      Reader reader{text};
      Json value;
      if (!is_utf8(text) || !reader.value(value, 0)) return {};
      reader.space();
      if (reader.at != text.size()) return {};
      return value;
   }

   bool is(Kind wanted) const { return kind == wanted; }
   // The member `key`; null if there is none.
   const Json *member(std::string_view key) const {
      for (auto &[name, value] : members)
         if (name == key) return &value;
      return nullptr;
   }
   // The string at `key`, or what to take instead.
   std::string string(std::string_view key, std::string missing = "") const {
      auto value = member(key);
      return value && value->is(Kind::string) ? value->text : missing;
   }
   // A whole number from 0.
   std::optional<uint64_t> count() const {
      if (kind != Kind::number) return {};
      double number = strtod(text.c_str(), nullptr);
      if (!(number >= 0 && number < 9e15) || number != std::floor(number)) return {};
      return static_cast<uint64_t>(number);
   }

   std::string write() const {
      std::string out;
      write(out);
      return out;
   }

private:
   void write(std::string &out) const {
      switch (kind) {
      case Kind::null: out += "null"; break;
      case Kind::boolean: out += boolean ? "true" : "false"; break;
      case Kind::number: out += text; break;
      case Kind::string: write(out, text); break;
      case Kind::array:
         out += '[';
         for (auto &element : elements) {
            if (&element != &elements.front()) out += ',';
            element.write(out);
         }
         out += ']';
         break;
      case Kind::object:
         out += '{';
         for (auto &member : members) {
            if (&member != &members.front()) out += ',';
            write(out, member.first);
            out += ':';
            member.second.write(out);
         }
         out += '}';
         break;
      }
   }
   static void write(std::string &out, std::string_view string) {
      out += '"';
      for (char c : string) {
         char escape[8];
         if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
         } else if (static_cast<unsigned char>(c) < 0x20) {
            snprintf(escape, sizeof escape, "\\u%04x", c);
            out += escape;
         } else {
            out += c;
         }
      }
      out += '"';
   }

   // No stray byte, nothing longer than needed, no half of a pair.
   static bool is_utf8(std::string_view text) {
      for (size_t at = 0; at < text.size();) {
         auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
         unsigned char first = byte(at++);
         size_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
         if (more && (first < 0xC2 || first > 0xF4)) return false;
         if (text.size() - at < more) return false;
         unsigned char second = more ? byte(at) : 0;
         if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
             (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
            return false;
         for (; more > 0; more--)
            if ((byte(at++) & 0xC0) != 0x80) return false;
      }
      return true;
   }

   struct Reader {
      std::string_view in;
      size_t at = 0;

      char peek() const { return at < in.size() ? in[at] : 0; }
      void space() {
         while (at < in.size() && std::string_view(" \t\r\n").find(in[at]) != in.npos) at++;
      }
      bool take(char wanted) {
         space();
         if (peek() != wanted) return false;
         at++;
         return true;
      }
      bool word(std::string_view wanted) {
         if (in.substr(at, wanted.size()) != wanted) return false;
         at += wanted.size();
         return true;
      }
      bool digits() {
         size_t start = at;
         while (peek() >= '0' && peek() <= '9') at++;
         return at > start;
      }
      bool number(Json &out) {
         size_t start = at;
         if (peek() == '-') at++;
         if (!digits()) return false;
         if (peek() == '.' && (at++, !digits())) return false;
         if (peek() == 'e' || peek() == 'E') {
            at++;
            if (peek() == '+' || peek() == '-') at++;
            if (!digits()) return false;
         }
         out.kind = Kind::number;
         out.text = std::string(in.substr(start, at - start));
         return true;
      }
      bool hex(unsigned &point) {
         if (in.size() - at < 4) return false;
         std::string four(in.substr(at, 4));
         char *end = nullptr;
         point = static_cast<unsigned>(strtoul(four.c_str(), &end, 16));
         at += 4;
         return *end == 0;
      }
      static void utf8(std::string &out, unsigned point) {
         static constexpr unsigned char first[] = {0x00, 0xC0, 0xE0, 0xF0};
         int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
         out += static_cast<char>(first[more] | (point >> (6 * more)));
         while (more-- > 0) out += static_cast<char>(0x80 | ((point >> (6 * more)) & 0x3F));
      }
      bool escape(std::string &out) {
         static constexpr std::string_view names = "bfnrt\"\\/", meant = "\b\f\n\r\t\"\\/";
         char name = peek();
         at++;
         if (size_t i = names.find(name); name && i != names.npos) {
            out += meant[i];
            return true;
         }
         unsigned point = 0, low = 0;
         if (name != 'u' || !hex(point)) return false;
         if (point >= 0xD800 && point < 0xDC00) {
            if (!word("\\u") || !hex(low) || low < 0xDC00 || low > 0xDFFF) return false;
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
         } else if (point >= 0xDC00 && point < 0xE000) {
            return false;
         }
         utf8(out, point);
         return true;
      }
      bool string(std::string &out) {
         if (!take('"')) return false;
         while (at < in.size() && in[at] != '"') {
            char c = in[at++];
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c != '\\') out += c;
            else if (!escape(out)) return false;
         }
         return take('"');
      }
      bool value(Json &out, int depth) {
         space();
         if (depth > max_depth) return false;
         char first = peek();
         if (first == '"') {
            out.kind = Kind::string;
            return string(out.text);
         }
         if (first == '{') return object(out, depth);
         if (first == '[') return array(out, depth);
         if (word("true")) return out = Json(true), true;
         if (word("false")) return out = Json(false), true;
         return word("null") || number(out);
      }
      bool array(Json &out, int depth) {
         out.kind = Kind::array;
         at++;
         if (take(']')) return true;
         do {
            if (!value(out.elements.emplace_back(), depth + 1)) return false;
         } while (take(','));
         return take(']');
      }
      bool object(Json &out, int depth) {
         out.kind = Kind::object;
         at++;
         if (take('}')) return true;
         do {
            auto &member = out.members.emplace_back();
            if (space(), !string(member.first) || !take(':')) return false;
            if (!value(member.second, depth + 1)) return false;
         } while (take(','));
         return take('}');
      }
   };
};
#endif
