import ArgumentParser
import FanfoldClient
import FanfoldJSON

/// `fanfold token`: who may ask a coordinator, and join it.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Makes, lists and revokes tokens of clients and workers.",
        subcommands: [Create.self, List.self, Revoke.self])

    /// What a token is for.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case admin, submit, read, worker
    }

    /// `fanfold token create`: a new one.
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Makes a token and prints its secret, the once.",
            discussion: "With --role worker it is one with which workers join.")

        @Option(help: "admin, submit, read or worker.")
        var role: Kind = .read

        @Option(help: "What it is for: letters, digits, - and _.")
        var name = "client"

        @Option(help: ArgumentHelp("How long it is good: 90s, 15m, 12h, 30d.", valueName: "time"))
        var expires: String?

        @Option(help: "How many workers may join with it.")
        var uses = 1

        @Option(
            name: .customLong("label"),
            help: ArgumentHelp("A label of the workers that join with it.", valueName: "KEY=VALUE"))
        var labels: [String] = []

        @OptionGroup var client: ClientOptions

        func run() throws {
            let seconds = try expires.map(Lifetime.seconds)
            var body = JSONObject()
            if let seconds { body["lifetime_seconds"] = .integer(seconds) }
            if role == .worker {
                body["maximum_uses"] = .integer(Int64(uses))
                body["labels"] = .array(labels.map(JSON.string))
            } else {
                body["name"] = .string(name)
                body["role"] = .string(role.rawValue)
            }
            let path = role == .worker ? "/join-tokens" : "/tokens"
            let request = JSON.object(body)
            try client.ask { session in
                let token = try await session.client.ask(.POST, path, body: .json(request))
                session.show(token, table: { $0.shown("secret") }) { [$0.shown("secret")] }
            }
        }
    }

    /// `fanfold token list`: all of them.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists tokens, without their secrets.")

        @OptionGroup var client: ClientOptions

        func run() throws {
            try client.ask { session in
                var answer = JSONObject()
                for path in ["/tokens", "/join-tokens"] {
                    let list = try await session.client.ask(.GET, path)
                    for (key, value) in list.objectValue?.members ?? [] { answer[key] = value }
                }
                session.show(.object(answer), table: RunTables.tokens) { answer in
                    ["tokens", "join_tokens"].flatMap { answer[$0]?.arrayValue ?? [] }
                        .map { $0.shown("id") }
                }
            }
        }
    }

    /// `fanfold token revoke`: one less.
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Makes a token worthless.")

        @Argument(help: "The token's id, as fanfold token list shows it.")
        var id: String

        @OptionGroup var client: ClientOptions

        func validate() throws {
            let isFine = id.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || byte == 45 || byte == 95
            }
            guard isFine, !id.isEmpty else { throw ValidationError("wanted the id of a token") }
        }

        func run() throws {
            let id = id
            try client.ask { session in
                do {
                    _ = try await session.client.ask(.DELETE, "/tokens/\(id)")
                } catch ClientError.refused(let refusal) where refusal.status == 404 {
                    _ = try await session.client.ask(.DELETE, "/join-tokens/\(id)")
                }
            }
        }
    }
}

/// How long a token is good.
enum Lifetime {
    /// The seconds of `90s`, `15m`, `12h`, `30d`.
    static func seconds(_ text: String) throws -> Int64 {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let count = Int64(text.dropLast()),
            count >= 1, !count.multipliedReportingOverflow(by: unit).overflow
        else { throw ValidationError("--expires: wanted 90s, 15m, 12h or 30d, found \"\(text)\"") }
        return count * unit
    }
}
