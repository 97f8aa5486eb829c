@preconcurrency import Glibc
import Testing

@Suite(.serialized) struct CheckTests {
    @Test(.timeLimit(.minutes(2)))
    func `the example in C passes every check that the host relies on`() throws {
        let library = try CheckRig.build("good")
        let (code, text) = CheckRig.check(library)
        #expect(code == 0, "\(text)")
        #expect(text.contains(" 0 failed"))
        #expect(!text.contains("warning "), "\(text)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `five ways of being no plugin give five different messages`() throws {
        let other = try CheckRig.build("major") {
            $0.replacing("*fanfold_plugin_v1(void) {", with: "*fanfold_plugin_v2(void) {")
        }
        let nothing = try CheckRig.build("nothing") {
            $0.replacing(
                "FAN_EXPORT const fan_plugin *fanfold_plugin_v1",
                with: "int shown;\n"
                    + "const fan_plugin *fanfold_plugin_v1x(void);\nconst fan_plugin *fanfold_plugin_v1x"
            )
        }
        let crash = try CheckRig.build("crash") {
            $0.replacing(
                "fan_instance *instance = calloc(1, sizeof *instance);",
                with: "abort(); fan_instance *instance = NULL;")
        }
        let good = try CheckRig.build("whole")
        let machine = CheckRig.folder + "/libfanfold-machine.so"
        CheckRig.run(
            "cp \(good) \(machine) && printf '\\267' | dd of=\(machine) bs=1 seek=18 conv=notrunc")
        let short = CheckRig.folder + "/libfanfold-short.so"
        CheckRig.run("head -c 3000 \(good) > \(short)")
        let wanted = [
            (other, "ABI major 2"), (nothing, "does not export fanfold_plugin_v1"),
            (machine, "is built for"), (short, "truncated"), (crash, "crashed by signal 6"),
        ]
        for (library, message) in wanted {
            let (code, text) = CheckRig.check(library)
            #expect(code == 1)
            #expect(text.contains(message), "\(text)")
        }
    }

    @Test func `the templates of plugin new are those of the examples`() {
        #expect(CheckRig.run("\(CheckRig.root)/scripts/embed-templates --check").code == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `plugin new writes a project that builds and refuses to overwrite it`() throws {
        let new = "cd \(CheckRig.folder) && \(CheckRig.program) plugin new fresh --lang c"
        CheckRig.run("rm -rf \(CheckRig.folder)/fresh")
        #expect(CheckRig.run(new).code == 0)
        #expect(CheckRig.run("make -s -C \(CheckRig.folder)/fresh").code == 0)
        #expect(
            CheckRig.run("FANFOLD=\(CheckRig.program) make -s -C \(CheckRig.folder)/fresh test")
                .code == 0)
        let again = CheckRig.run(new)
        #expect(again.code == 2)
        #expect(again.text.contains("exists already"))
    }
}
