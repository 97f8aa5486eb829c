import FanfoldJSON
import Testing

@testable import PluginKit

/// The members of a result, read without making a tree.
struct KitScannerTests {
    private func members(_ text: String) -> [String] {
        Array(text.utf8).withUnsafeBytes { bytes in
            var scanner = MemberScanner(bytes)
            var found: [String] = []
            while let (key, value) = scanner.next() {
                found.append(
                    String(decoding: key, as: UTF8.self) + "="
                        + String(decoding: value, as: UTF8.self))
            }
            return found
        }
    }

    @Test func `every member is found, nested ones as one text`() {
        #expect(
            members(#"{"worker":"a,}\"b", "ran_ns" : 12,"x":{"ran_ns":1,"y":[1,{}]},"items":3}"#)
                == [#"worker="a,}\"b""#, "ran_ns=12", #"x={"ran_ns":1,"y":[1,{}]}"#, "items=3"])
        #expect(members("{}").isEmpty)
        #expect(members("").isEmpty)
    }

    @Test func `a text that is cut short ends the members and nothing else`() {
        let text = #"{"worker":"a","ran_ns":12,"items":3}"#
        for length in 0..<text.utf8.count {
            #expect(members(String(text.prefix(length))).count <= 3)
        }
    }

    @Test(arguments: [
        ("0", 0), ("12", 12), ("9223372036854775807", Int.max), ("9223372036854775808", nil),
        ("-1", nil), ("1.5", nil), ("", nil), ("\"1\"", nil),
    ])
    func `a whole number is read up to the largest`(_ text: String, _ value: Int?) {
        Array(text.utf8).withUnsafeBytes { bytes in
            #expect(MemberScanner.integer(bytes[...]) == value)
        }
    }

    @Test func `a result says what the host said of it`() {
        let text = Array(#"{"worker":"lo\"cal","attempt":1,"ran_ns":42,"items":7}"#.utf8)
        text.withUnsafeBytes { bytes in
            let values = ResultFacts.Values(parsing: bytes)
            #expect(values.worker == "lo\"cal")
            #expect(values.ranNanoseconds == 42)
            #expect(values.items == 7)
        }
    }
}
