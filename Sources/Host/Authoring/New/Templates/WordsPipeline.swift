// swift-format-ignore-file
// Written by scripts/embed-templates from examples/c-words/pipeline.yaml: change that, then run it.
extension PluginTemplates {
    static let wordsPipeline = #"""
        # fanfold run pipeline.yaml: count the words of this file, in four subtasks.
        fanfold: 1
        name: words
        plugins:
          words: { path: ./libfanfold-words.so }
        inputs:
          text: { file: pipeline.yaml, format: lines }
        tasks:
          count:
            input: ${inputs.text}
            strategy: { use: data-parallel, with: { shards: 4, merge: sum } }
            run: { use: com.example.words, with: { minimum: 2 }, module: { ignore: "the of" }, stdin: lines, stdout: json }
        outputs:
          count: { from: "${tasks.count.output}" }

        """#
}
