import ArgumentParser
import FanfoldPlugins
import FanfoldRuntime
@preconcurrency import Glibc

/// `fanfold doctor`: whether this machine has what runs need, and what to do if not.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Says whether this machine has what runs need, and what to do if not.")

    @OptionGroup var host: HostOptions

    func run() throws {
        let context = try HostContext(host)
        var checks: [Check] = [
            Check("cores", true, cores()),
            Check("memory", true, Human.bytes(LocalMachine.memoryBytes)),
            graphics(),
        ]
        checks.append(scratch(context))
        checks.append(cache(context))
        checks.append(helper(context))
        checks += plugins(context)
        checks.append(processes())
        for check in checks {
            Terminal.print("\(check.isFine ? "ok  " : "FAIL")  \(check.name): \(check.found)")
            if !check.isFine { Terminal.print("      \(check.advice)") }
        }
        if checks.contains(where: { !$0.isFine }) { throw Exit.runFailed }
    }

    private struct Check {
        var name: String
        var isFine: Bool
        var found: String
        var advice: String

        init(_ name: String, _ isFine: Bool, _ found: String, advice: String = "") {
            self.name = name
            self.isFine = isFine
            self.found = found
            self.advice = advice
        }
    }

    private func cores() -> String {
        let facts = MachineFacts()
        let limit = facts.group.milliCores.map { ", \(Human.cores($0)) by its control group" }
        return "\(LocalMachine.cores)" + (facts.processor.isEmpty ? "" : " of \(facts.processor)")
            + (limit ?? "") + (facts.nodes > 1 ? ", \(facts.nodes) memory nodes" : "")
    }

    private func graphics() -> Check {
        let graphics = GraphicsCards()
        let (cards, problem) = graphics.read()
        let names = zip(cards, graphics.places(of: cards)).map { card, place in
            "\(card.name) (\(Human.bytes(card.memoryBytes))"
                + (place.node > 0 ? ", memory node \(place.node - 1)" : "")
                + (place.link > 0 ? ", link group \(place.link)" : "") + ")"
        }
        return Check(
            "GPUs", problem == nil, cards.isEmpty ? "none" : names.joined(separator: ", "),
            advice: problem.map { "\($0)" } ?? "")
    }

    private func scratch(_ context: HostContext) -> Check {
        let parent = context.settings.resolvedScratchDirectory
        return Check(
            "scratch directory", access(parent, W_OK | X_OK) == 0, parent,
            advice: "attempts run in there: make it, or set `scratch:` to one that you "
                + "can write to")
    }

    private func cache(_ context: HostContext) -> Check {
        let path = context.settings.resolvedCacheDirectory
        var folder = path
        while access(folder, F_OK) != 0, let slash = folder.lastIndex(of: "/"),
            slash != folder.startIndex
        {
            folder = String(folder[..<slash])
        }
        return Check(
            "cache directory", access(folder, W_OK) == 0, path,
            advice: "plugins are copied there before they are opened: set `plugins: cache:` to one "
                + "that you can write to")
    }

    private func helper(_ context: HostContext) -> Check {
        Check(
            "fanfold-helper", access(context.helperPath, X_OK) == 0, context.helperPath,
            advice: "native functions run in it: it must lie beside fanfold; build with "
                + "`swift build`, not `swift build --product fanfold`")
    }

    private func plugins(_ context: HostContext) -> [Check] {
        let bundled = [
            "data-parallel", "model-parallel", "pipeline-parallel", "ensemble",
            "function-parallel",
        ]
        return bundled.map { name in
            do throws(PluginLoadError) {
                let plugin = try context.registry.plugin(providing: name)
                return Check("plugin \(name)", true, plugin.inspection.path)
            } catch {
                return Check(
                    "plugin \(name)", false, error.message,
                    advice: "build with `swift build`, which builds the plugins too")
            }
        }
    }

    private func processes() -> Check {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let wanted: rlim_t = 256
        return Check(
            "open files", limit.rlim_cur >= wanted, "\(limit.rlim_cur)",
            advice: "raise it with `ulimit -n \(wanted)`")
    }
}
