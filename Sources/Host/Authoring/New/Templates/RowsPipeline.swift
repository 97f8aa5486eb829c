// swift-format-ignore-file
// Written by scripts/embed-templates from examples/c-rows/pipeline.yaml: change that, then run it.
extension PluginTemplates {
    static let rowsPipeline = #"""
        # fanfold run pipeline.yaml: upper-case every line of this file, four lines a subtask.
        fanfold: 1
        name: rows
        plugins:
          rows: { path: ./libfanfold-rows.so }
        inputs:
          text: { file: pipeline.yaml, format: lines }
        tasks:
          shout:
            input: ${inputs.text}
            strategy: { use: com.example.rows, with: { items: 4 } }
            run: { command: [tr, a-z, A-Z], stdin: lines, stdout: lines }
        outputs:
          shout: { from: "${tasks.shout.output}" }

        """#
}
