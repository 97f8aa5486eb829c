import ArgumentParser
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime
import FanfoldSimulation

/// `fanfold schema`: the JSON Schema of the pipeline document, for editors.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Prints the JSON Schema of the pipeline document, for editors.",
        discussion: "With what each strategy in the search path takes under `with:`.")

    @OptionGroup var host: HostOptions

    func run() throws {
        let context = try HostContext(host)
        var strategies: [ComponentDescriptor] = []
        for candidate in context.registry.candidates() {
            do throws(PluginLoadError) {
                strategies += try context.registry.load(path: candidate.path).components
            } catch {
                Terminal.complain("warning: \(error.message)")
            }
        }
        Terminal.print(PipelineSchema.document(with: strategies).prettyText)
    }
}

/// `fanfold completion`: the script that completes this program's words in a shell.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Prints the completion script of a shell.",
        discussion: "bash: fanfold completion bash > /etc/bash_completion.d/fanfold")

    /// The shells there is a script for.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() {
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        Terminal.print(Fanfold.completionScript(for: kind))
    }
}
