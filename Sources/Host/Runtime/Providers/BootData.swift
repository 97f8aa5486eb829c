/// Why no boot data can be made.
package struct BootProblem: Error, CustomStringConvertible {
    /// What was wanted, what was found.
    package var description: String

    /// A problem in these words.
    package init(description: String) { self.description = description }
}

/// What a rented machine runs when it starts: a script that cloud-init takes as user data, and that
/// the shell of a container takes as it is.
///
/// It installs the program if the image has none, starts a worker, binds the worker's name to the
/// instance, and ends the machine when the worker ends.  The join string in it is good for one
/// machine and a short time; there is no other secret in it.
///
/// A pilot in a job of somebody's cluster is told in variables what it has of its machine
/// (`FANFOLD_CPUS`, `FANFOLD_MEMORY`), and that its state goes with it (`FANFOLD_SCRATCH`).
package struct BootData: Hashable, Sendable {
    /// Bytes of a script: what EC2 takes as user data.
    package static let mostBytes = 16_384

    /// The join string of the coordinator: `fanfold-join:…`; its address, with ``tokenFile``.
    package var join: String
    /// The file with the token of workers of the coordinator's own machine; empty for all others.
    package var tokenFile = ""
    /// Where the archive of the program is; empty if the image has the program.
    package var program = ""
    /// Its SHA-256, in hexadecimal digits.
    package var programSHA256 = ""
    /// How long a machine stays without its coordinator, in seconds.
    package var leaseSeconds: Int64 = 900
    /// Further options of `fanfold worker`.
    package var options: [String] = []

    /// Boot data for one join string.
    package init(join: String) {
        self.join = join
    }

    /// The script.
    package func script() throws(BootProblem) -> String {
        guard join.hasPrefix("fanfold-join:") || !tokenFile.isEmpty, Self.isPlain(join) else {
            throw BootProblem(
                description: "wanted a join string, fanfold-join:…, as `fanfold token` prints it")
        }
        guard program.isEmpty || Self.isPlain(program) && program.hasPrefix("https://") else {
            throw BootProblem(description: "wanted https:// for the program's archive")
        }
        guard program.isEmpty || Self.isDigest(programSHA256) else {
            throw BootProblem(description: "wanted 64 hexadecimal digits for the archive's SHA-256")
        }
        let text = [head, program.isEmpty ? "" : install, identity, watch, start].joined()
        guard text.utf8.count <= Self.mostBytes else {
            throw BootProblem(
                description: "wanted boot data of at most \(Self.mostBytes) bytes, found "
                    + "\(text.utf8.count)")
        }
        return text
    }

    private var head: String {
        """
        #!/bin/sh
        # Starts a Fanfold worker, and ends this machine when nobody renews it.
        set -u
        umask 077
        lease=\(leaseSeconds)
        state=${FANFOLD_STATE:-/var/lib/fanfold-worker}
        mkdir -p "$state"
        printf '%s' \(Self.quoted(join)) > "$state/join"
        # A container ends with its first process; a machine has to be switched off.
        watcher=
        leave() {
            rm -f "$state/join"
            [ -z "${FANFOLD_SCRATCH:-}" ] || rm -rf "$state"
            [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
            if [ -d /run/systemd/system ] || [ -x /sbin/shutdown ] && [ $$ -ne 1 ] \\
                && [ -z "${FANFOLD_KEEP_MACHINE:-}" ]; then
                /sbin/shutdown -h now || poweroff -f
            fi
            exit "$1"
        }

        """
    }

    private var install: String {
        """
        if ! command -v fanfold >/dev/null 2>&1; then
            archive=$(mktemp)
            curl --fail --silent --show-error --location --retry 5 --proto '=https' \\
                --output "$archive" \(Self.quoted(program)) || leave 69
            echo "\(programSHA256)  $archive" | sha256sum --check --quiet || leave 65
            mkdir -p /opt/fanfold
            tar -xzf "$archive" -C /opt/fanfold || leave 65
            rm -f "$archive"
            PATH=/opt/fanfold:/opt/fanfold/bin:$PATH
        fi

        """
    }

    /// The id of the instance, from the cloud's metadata where there are any: the one by which its
    /// provider knows it, which for Google is `ZONE/NAME`.
    private var identity: String {
        """
        metadata() { curl --fail --silent --max-time 2 "$@" 2>/dev/null; }
        google() {
            metadata -H 'Metadata-Flavor: Google' \\
                "http://169.254.169.254/computeMetadata/v1/instance/$1"
        }
        instance=${FANFOLD_INSTANCE:-}
        if [ -z "$instance" ] && command -v curl >/dev/null 2>&1; then
            ticket=$(metadata -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' \\
                http://169.254.169.254/latest/api/token)
            [ -z "$ticket" ] || instance=$(metadata -H "X-aws-ec2-metadata-token: $ticket" \\
                http://169.254.169.254/latest/meta-data/instance-id)
            if [ -z "$instance" ] && zone=$(google zone) && instance=$(google name); then
                instance=${zone##*/}/$instance
            fi
        fi
        [ -n "$instance" ] || instance=$(hostname)
        name=${instance##*/}

        """
    }

    /// The dead man's handle: whatever hangs, the machine ends.
    private var watch: String {
        """
        touch "$state/alive"
        (
            nap=
            trap 'kill "$nap" 2>/dev/null; exit 0' TERM
            while :; do
                sleep \(min(20, leaseSeconds)) &
                nap=$!
                wait "$nap"
                now=$(date +%s)
                last=$(stat -c %Y "$state/alive" 2>/dev/null || echo 0)
                [ $((now - last)) -le $((lease + \(min(60, leaseSeconds)))) ] && continue
                echo "fanfold: nobody has renewed this machine for ${lease} s" >&2
                kill -9 "$(cat "$state/pid")" 2>/dev/null
                # The script below leaves now; if it hangs too, this does.
                sleep 20 &
                nap=$!
                wait "$nap"
                leave 75
            done
        ) &
        watcher=$!

        """
    }

    /// A coordinator that does not answer at once is asked again until the lease is over.
    private var start: String {
        let entrance = tokenFile.isEmpty ? [] : ["--token-file", tokenFile]
        let more = (entrance + options).map { " " + Self.quoted($0) }.joined()
        return """
            begin=$(date +%s)
            while :; do
                fanfold worker --join-file "$state/join" --state "$state" --name "$name" \\
                    --label "instance=$instance" --lease "${lease}s" \\
                    ${FANFOLD_CPUS:+--cpus "$FANFOLD_CPUS"} \\
                    ${FANFOLD_MEMORY:+--memory "$FANFOLD_MEMORY"} \\
                    --alive-file "$state/alive"\(more) &
                worker=$!
                echo "$worker" > "$state/pid"
                # Who ends this script drains the worker.
                trap 'kill -TERM "$worker" 2>/dev/null' TERM INT
                wait "$worker"
                code=$?
                while kill -0 "$worker" 2>/dev/null; do wait "$worker"; code=$?; done
                # 2 is how it ends when it could not join.
                [ "$code" -eq 2 ] && [ $(($(date +%s) - begin)) -lt "$lease" ] || leave "$code"
                sleep 5
            done

            """
    }

    /// Text as one word of a shell.
    private static func quoted(_ text: String) -> String {
        "'" + text.replacing("'", with: "'\\''") + "'"
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
    }
}
