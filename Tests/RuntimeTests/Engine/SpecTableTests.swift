import Testing

@testable import FanfoldRuntime

@Suite struct `Spec tables` {
    /// The numbers of the texts, what was declared, and why the last one was refused.
    private func read(
        _ texts: [String], limit: Int = 100
    ) -> (numbers: [UInt32], declared: [DeclaredSpec], refusal: String?) {
        var table = SpecTable(limit: limit)
        var declared: [DeclaredSpec] = []
        var numbers: [UInt32] = []
        do throws(SpecError) {
            for text in texts {
                let payload = Payload(text: text)
                numbers.append(try table.number(of: payload.bytes, declaring: &declared))
            }
            return (numbers, declared, nil)
        } catch {
            return (numbers, declared, error.message)
        }
    }

    @Test func `the same text has the same number and is declared once`() {
        let read = read(["", #"{"label":"a"}"#, #"{"label":"a"}"#, "", #"{"label":"b"}"#])
        #expect(read.numbers == [0, 1, 1, 0, 2])
        #expect(read.declared.map(\.label) == [nil, "a", "b"])
    }

    @Test func `every member is read`() {
        let text = #"""
            {"run":{"use":"noop"},"needs":{"cpus":2},"names":["a","b"],"after":[3,4],
             "stage":1,"label":"x","priority":0.5}
            """#
        let spec = read([text]).declared.first
        #expect(spec?.run?.summary == "noop")
        #expect(spec?.needs?.cpuMillis == 2000)
        #expect(spec?.names == ["a", "b"])
        #expect(spec?.after == [3, 4])
        #expect(spec?.stage == 1)
        #expect(spec?.priority == 0.5)
    }

    @Test func `specs that differ in neither run nor needs share a shape`() {
        let keys = read([
            #"{"needs":{"cpus":2},"label":"a"}"#, #"{"needs":{"cpus":2},"label":"b"}"#,
            #"{"needs":{"cpus":3}}"#, #"{"run":{"use":"noop"}}"#, "",
        ]).declared.map(\.shapeKey)
        #expect(keys[0] == keys[1])
        #expect(Set(keys).count == 4)
    }

    @Test(arguments: [
        ("{", "not JSON"), ("[1]", "wanted an object"), (#"{"run":{"command":[]}}"#, "found none"),
        (#"{"run":{"use":7}}"#, "wanted a string"), (#"{"needs":{"cpus":-1}}"#, "needs/cpus"),
        (#"{"needs":{"legs":4}}"#, "unknown need"), (#"{"after":["a"]}"#, "ids of subtasks"),
        (#"{"after":[-1]}"#, "ids of subtasks"), (#"{"after":3}"#, "ids of subtasks"),
        (#"{"names":[1]}"#, "names of parts"),
    ])
    func `what cannot be used is refused with the reason`(text: String, reason: String) {
        let read = read([text])
        #expect(read.refusal?.contains(reason) == true, "\(read.refusal ?? "taken")")
        #expect(read.declared.isEmpty)
    }

    @Test func `a table that is full refuses a new text and knows the others`() {
        let texts = [#"{"stage":0}"#, #"{"stage":1}"#, #"{"stage":0}"#, #"{"stage":2}"#]
        let read = read(texts, limit: 2)
        #expect(read.numbers == [0, 1, 0])
        #expect(read.refusal == "more than 2 different specifications")
    }
}
