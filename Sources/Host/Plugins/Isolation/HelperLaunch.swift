import FanfoldJSON
@preconcurrency import Glibc
import Logging

/// What it takes to start a helper for one instance of a plugin.
package struct HelperLaunch: Sendable {
    /// The executable `fanfold-helper`.
    package var helperPath: String
    /// The library to open: the copy under its hash, or the file itself.
    package var library: String
    /// The file as the user named it, for messages.
    package var path: String
    /// Folders in which reports of crashes are kept.
    package var reportDirectory: String
    /// What the plugin is told of its host.
    package var hostName: String
    /// Its version.
    package var hostVersion: String
    /// Where what it logs goes.
    package var logger: Logger

    /// What the helper is told first.
    func hello(component: String?, configuration: JSON, services: [String]) -> JSON {
        [
            "library": .string(library), "path": .string(path),
            "component": component.map { .string($0) } ?? .null,
            "configuration": configuration,
            "host": .string(hostName), "version": .string(hostVersion),
            "services": .array(services.map { .string($0) }),
        ]
    }
}

/// How a helper ended, for the failure that its calls end with.
struct HelperDeath: Sendable {
    /// What ended it.
    enum Cause: Sendable {
        case signal(Int32)
        case exit(Int32)
        /// It did not answer in time and was ended by us.
        case hung(nanoseconds: UInt64)
        /// Somebody stopped it (SIGSTOP), and it was ended by us.
        case stopped
        /// It said something that it must not say, and was ended by us.
        case fault(String)
        /// It could not be started.
        case launch(String)
    }

    var cause: Cause
    /// What it was doing.
    var during: String
    /// What it logged last, oldest first.
    var lastLines: [String]
    /// Where all that it wrote is kept, with the stack if there is one.
    var report: String?

    /// Whether somebody else ended it, which says nothing about the plugin.
    var isFromOutside: Bool {
        switch cause {
        case .stopped, .signal(SIGKILL): true
        default: false
        }
    }

    /// The failure that ends what was under way.
    func failure(of path: String) -> PluginFailure {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        var reason = "plugin.crashed"
        var message: String
        switch cause {
        case .signal(let number):
            message = "\(name) crashed in its helper by signal \(number) (\(signalName(number)))"
        case .exit(let code): message = "\(name) ended its helper with exit code \(code)"
        case .hung(let nanoseconds):
            reason = "plugin.hung"
            message = "\(name) did not answer within \(nanoseconds / 1_000_000) ms and was ended"
        case .stopped:
            reason = "plugin.hung"
            message =
                "the helper of \(name) was stopped for more than "
                + "\(IsolationLimits.stoppedNanoseconds / 1_000_000) ms and was ended"
        case .fault(let what):
            reason = "plugin.protocol"
            message = "the helper of \(name) broke the protocol (\(what)) and was ended"
        case .launch(let what):
            reason = "plugin.launch"
            message = "no helper could be started for \(name): \(what)"
        }
        message += ", in \(during)"
        if let last = lastLines.last { message += "; it said last: \(last.prefix(120))" }
        if let report { message += "; stack and output: \(report)" }
        return PluginFailure(
            code: 14, retry: .elsewhere, reason: reason, message: message)
    }
}

/// How a host starts helpers, whatever is in them.
package struct HelperSettings: Sendable {
    /// What plugins are told of this version of Fanfold.
    package static let hostVersion = "0.1.0"

    /// The executable `fanfold-helper`.
    package var helperPath: String
    /// Where reports of crashes are kept.
    package var reportDirectory: String
    /// What plugins are told of their host.
    package var hostName: String
    /// Its version.
    package var hostVersion: String

    /// Helpers of this program.
    package init(
        helperPath: String, reportDirectory: String, hostName: String = "fanfold",
        hostVersion: String = Self.hostVersion
    ) {
        self.helperPath = helperPath
        self.reportDirectory = reportDirectory
        self.hostName = hostName
        self.hostVersion = hostVersion
    }
}

extension HelperLaunch {
    /// The helper of one library.
    init(_ settings: HelperSettings, library: String, path: String, logger: Logger) {
        self.init(
            helperPath: settings.helperPath, library: library, path: path,
            reportDirectory: settings.reportDirectory, hostName: settings.hostName,
            hostVersion: settings.hostVersion, logger: logger)
    }
}
