import Foundation
import Testing

/// What processes leave behind.
enum Leftovers {
    /// How long a child whose parent was killed may take to go (seconds).
    static let patience = 10.0

    /// Expects that no process has the mark in its command line, soon.
    static func expectNone(marked mark: String) async throws {
        let end = Date(timeIntervalSinceNow: patience)
        var left = processes(marked: mark)
        while !left.isEmpty, Date() < end {
            try await Task.sleep(for: .milliseconds(50))
            left = processes(marked: mark)
        }
        #expect(left.isEmpty, "left running: \(left)")
    }

    /// The command lines that have the mark.
    static func processes(marked mark: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard Int(name) != nil,
                let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
            else { return nil }
            let text = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                .joined(separator: " ")
            return text.contains(mark) ? "\(name): \(text)" : nil
        }
    }

    /// Files and connections that a process has open.
    static func descriptors(of child: Child) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.identifier)/fd"))?
            .count ?? 0
    }

    /// Expects that a process has, soon, not more open than before, but for a few.
    static func expectDescriptors(of child: Child, atMost before: Int) async throws {
        let end = Date(timeIntervalSinceNow: patience)
        // One more connection, or a file of the journal that is being put in place.
        while descriptors(of: child) > before + 4, Date() < end {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(descriptors(of: child) <= before + 4, "descriptors leak: \(before) before")
    }
}
