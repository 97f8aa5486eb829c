import FanfoldJSON
import FanfoldPlugins

/// What has gone since the version before, which pipelines may use.
enum StabilityReview {
    static func check(_ context: CheckContext) throws -> CheckOutcome {
        guard let since = context.since else {
            return .skipped("there is nothing to compare it with; give --since OLD.so")
        }
        let new = try context.loaded().components.map(\.descriptor)
        let old: [ComponentDescriptor]
        do {
            old = try context.registry().load(path: since).components
        } catch {
            return .failed("the version before: \(error.message)")
        }
        var faults: [String] = []
        for before in old {
            guard let after = new.first(where: { $0.id == before.id }) else {
                if !isAnyMajor(new, old) { faults.append("\(before.id) is gone") }
                continue
            }
            guard let from = SemanticVersion(before.version),
                let to = SemanticVersion(after.version)
            else { continue }
            if (to.major, to.minor, to.patch) < (from.major, from.minor, from.patch) {
                faults.append(
                    "\(after.id): the version goes back from \(before.version) to \(after.version)")
            }
            if to.mayBreak(from) { continue }
            if before.kind != after.kind {
                faults.append("\(after.id): it was a \(before.kind) and is a \(after.kind)")
            }
            faults += changes(before, after)
        }
        guard faults.isEmpty else {
            return .failed(
                faults.joined(separator: "; ") + "; bring it back, or raise the major version")
        }
        return .passed()
    }

    private static func isAnyMajor(
        _ new: [ComponentDescriptor], _ old: [ComponentDescriptor]
    ) -> Bool {
        let versions = old.compactMap { SemanticVersion($0.version) }
        guard let last = versions.max(by: { ($0.major, $0.minor) < ($1.major, $1.minor) }) else {
            return false
        }
        return new.contains { SemanticVersion($0.version)?.mayBreak(last) ?? false }
    }

    private static func changes(
        _ before: ComponentDescriptor, _ after: ComponentDescriptor
    ) -> [String] {
        let old = before.configSchema?["properties"]?.objectValue ?? JSONObject()
        let new = after.configSchema?["properties"]?.objectValue ?? JSONObject()
        let isOpen = after.configSchema == nil
        var faults: [String] = []
        for (key, property) in old.members where !isOpen {
            guard let now = new[key] else {
                faults.append("\(after.id): the key \"\(key)\" is gone")
                continue
            }
            let types = (types(property), types(now))
            if !types.0.isEmpty, !types.1.isEmpty, !types.0.isSubset(of: types.1) {
                faults.append(
                    "\(after.id): \"\(key)\" was \(types.0.sorted().joined(separator: " or ")) and "
                        + "is \(types.1.sorted().joined(separator: " or "))")
            }
            if let values = now["enum"]?.arrayValue {
                let lost = (property["enum"]?.arrayValue ?? []).filter { !values.contains($0) }
                if !lost.isEmpty {
                    faults.append("\(after.id): \"\(key)\" no longer takes \(lost[0].text)")
                }
            }
        }
        let was = required(before)
        for key in required(after) where !was.contains(key) {
            faults.append("\(after.id): \"\(key)\" is required now")
        }
        return faults
    }

    private static func required(_ component: ComponentDescriptor) -> [String] {
        component.configSchema?["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    private static func types(_ property: JSON) -> Set<String> {
        let type = property["type"]
        let names = type?.arrayValue?.compactMap(\.stringValue)
        return Set(names ?? type?.stringValue.map { [$0] } ?? [])
    }
}
