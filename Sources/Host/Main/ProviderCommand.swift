import ArgumentParser
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime

/// `fanfold provider`: where workers come from.
struct ProviderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider",
        abstract: "Shows and checks the providers of the settings, and rents workers from them.",
        discussion: """
            The settings name them under providers:, see config/fanfold.yaml and docs/providers.md.
            """,
        subcommands: [
            ProviderListCommand.self, ProviderCheckCommand.self, ProviderOfferingsCommand.self,
            ProviderLaunchCommand.self, ProviderDescribeCommand.self,
            ProviderTerminateCommand.self,
        ])

    /// Says what went wrong with a provider; its numbers are those of `Exit`.
    static func refuse(_ failure: PluginFailure, of name: String) -> Exit {
        let problem = ProviderOpening.problem(failure, in: name)
        Terminal.complain("error: \(problem)")
        switch failure.retry {
        case .later: Terminal.complain("       the same command may work later")
        case .elsewhere: Terminal.complain("       another offering may have room")
        case .renewed, .never: break
        }
        return failure.code == 7 || failure.code == 16 ? .notAllowed : .runFailed
    }
}

/// The provider that a command is about.
struct ProviderOptions: ParsableArguments {
    @Argument(help: "The provider's name in the settings.")
    var provider: String

    @OptionGroup var host: HostOptions

    /// Starts the provider, makes a call of it and ends it.
    func asking<Value>(
        _ body: (any Fleet) throws(PluginFailure) -> Value
    ) throws -> Value {
        let context = try HostContext(host)
        guard let declaration = context.settings.providers.first(where: { $0.name == provider })
        else {
            let names = context.settings.providers.map(\.name)
            Terminal.complain(
                "error: the settings name no provider \(provider)"
                    + (names.isEmpty ? "" : "; they name " + names.joined(separator: ", ")))
            throw Exit.notFound
        }
        let fleet: any Fleet
        do throws(ProviderProblem) {
            fleet = try context.fleet(declaration)
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.usage
        }
        defer { fleet.close() }
        do throws(PluginFailure) {
            return try body(fleet)
        } catch {
            throw ProviderCommand.refuse(error, of: provider)
        }
    }
}

/// `fanfold provider list`: what the settings name.
struct ProviderListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the providers that the settings name.")

    @OptionGroup var host: HostOptions

    @Option(help: "How the list is printed.")
    var output: OutputStyle = .table

    func run() throws {
        let context = try HostContext(host)
        var table = TextTable(["name", "provider", "granted"])
        var entries: [JSON] = []
        for provider in context.settings.providers {
            table.add([provider.name, provider.use, provider.grant.summary])
            entries.append([
                "name": .string(provider.name), "use": .string(provider.use),
                "hosts": .array(provider.grant.hosts.map { .string($0) }),
                "secrets": .array(provider.grant.secrets.map { .string($0) }),
            ])
        }
        switch output {
        case .table: Terminal.print(table.text)
        case .json: Terminal.print(JSON.array(entries).prettyText)
        case .quiet: for provider in context.settings.providers { Terminal.print(provider.name) }
        }
    }
}

/// `fanfold provider check`: whether workers could be rented.
struct ProviderCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract:
            "Says whether credentials, permissions and quota are good, and what to do if not.",
        discussion: "Exit code 0: all is good; 1: something is not.")

    @OptionGroup var target: ProviderOptions

    func run() throws {
        let checks = try target.asking { fleet throws(PluginFailure) in try fleet.check() }
        for check in checks {
            Terminal.print("\(check.isFine ? "ok  " : "FAIL")  \(check.name)")
            if !check.isFine, !check.fix.isEmpty { Terminal.print("      \(check.fix)") }
        }
        if checks.contains(where: { !$0.isFine }) { throw Exit.runFailed }
    }
}
