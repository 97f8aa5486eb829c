import ArgumentParser
import FanfoldPlugins
@preconcurrency import Glibc

/// `fanfold plugin keygen`: a key to sign plugins with.
struct PluginKeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Makes a key to sign plugins with.",
        discussion: """
            Writes NAME.key, which stays with you, and NAME.pub, which others need to know you, to \
            this folder; and prints the line for their settings.
            """)

    @Argument(help: "What people call you: letters, digits and . - _ @ +.")
    var name: String

    func run() throws {
        do throws(SignatureProblem) {
            let key = try PluginPrivateKey(name: name)
            for (file, text, mode) in [
                ("\(name).key", key.text, mode_t(0o600)),
                ("\(name).pub", key.publicKey.text + "\n", mode_t(0o644)),
            ] {
                if let reason = PrivateFile.make(file, Array(text.utf8), mode: mode) {
                    throw SignatureProblem(
                        description: "\(file) could not be made: \(reason); "
                            + "choose another name or remove it")
                }
            }
            Terminal.print(key.publicKey.text)
            Terminal.complain(
                "wrote \(name).key: keep it to yourself, and \(name).pub: who trusts you adds its "
                    + "line to plugins: allowed-keys")
        } catch {
            Terminal.complain("error: \(error.description)")
            throw Exit.usage
        }
    }
}

/// `fanfold plugin sign`: stands behind a plugin's file.
struct PluginSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Signs a plugin's file.",
        discussion: """
            Writes FILE.sig, which goes where the file goes.  The plugin is loaded, to learn its \
            components; a signature is of these and of the file's content.
            """)

    @Argument(help: "The library, for example demo/libfanfold-demo.so.")
    var file: String

    @Option(help: ArgumentHelp("The key that `fanfold plugin keygen` made.", valueName: "file"))
    var key: String

    @OptionGroup var host: HostOptions

    func run() throws {
        let context = try HostContext(host)
        do {
            let key = try PluginPrivateKey(file: key)
            var trust = context.registry.trust
            trust.readsSignatures = false
            trust.requiresSignature = false
            let plugin = try context.registry.governed(by: trust).load(path: file)
            let signature = try PluginSignature(
                sha256: plugin.inspection.sha256, components: plugin.components.map(\.id),
                with: key)
            if let reason = PrivateFile.replace(
                file + ".sig", with: Array(signature.text.utf8), mode: 0o644)
            {
                throw SignatureProblem(description: "\(file).sig cannot be written: \(reason)")
            }
            Terminal.print(
                "wrote \(file).sig: \(signature.components.joined(separator: ", ")) by "
                    + key.publicKey.label)
        } catch {
            Terminal.complain("error: \(error)")
            throw access(file, F_OK) == 0 ? Exit.usage : Exit.notFound
        }
    }
}

/// `fanfold plugin verify`: who stands behind a plugin's file.
struct PluginVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Says who signed a plugin's file, and whether that is allowed.",
        discussion: """
            Nothing of the file is run.  Exit code 0: signed by a key of plugins: allowed-keys, or \
            by the one given; 1: by another, by nobody, or the signature is not one of the file.
            """)

    @Argument(help: "The library, for example demo/libfanfold-demo.so.")
    var file: String

    @Option(
        help: ArgumentHelp("A public key to allow beside those of the settings.", valueName: "file")
    )
    var key: String?

    @OptionGroup var host: HostOptions

    func run() throws {
        let context = try HostContext(host)
        guard access(file, F_OK) == 0 else {
            Terminal.complain("error: there is no file \(file)")
            throw Exit.notFound
        }
        do {
            var trust = context.registry.trust
            trust.requiresSignature = false
            if let key { trust.allowedKeys.append(try PluginKey(file: key)) }
            let origin = try context.registry.governed(by: trust).origin(of: file)
            Terminal.print("\(file): \(origin.summary)")
            if !origin.isAllowed { throw Exit.runFailed }
        } catch let error as PluginLoadError {
            Terminal.complain("error: \(error.message)")
            throw Exit.runFailed
        } catch let error as SignatureProblem {
            Terminal.complain("error: \(error.description)")
            throw Exit.usage
        }
    }
}
