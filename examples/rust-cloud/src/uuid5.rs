//! The token of a request to a cloud: the UUID of version 5 of an offering's id, in the namespace
//! of a launch token.  A cloud refuses a token that comes back with other parameters, so each
//! offering that is tried has its own, and the same launch gives the same one again.
//!
//! Sources: RFC 9562, section 5.5; FIPS 180-4, section 6.1.  SHA-1 is for nothing secure here.

pub fn cloud_token(launch: &str, offering: &str) -> String {
    let digits: Vec<u8> =
        launch.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    let mut message: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    message.extend(offering.bytes());
    let mut uuid = sha1(&message);
    uuid[6] = uuid[6] & 0x0f | 0x50;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let hex: String = uuid[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn sha1(message: &[u8]) -> Vec<u8> {
    let mut state = [0x67452301_u32, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let word = |four: &[u8]| four.iter().fold(0_u32, |word, byte| word << 8 | *byte as u32);
        let mut words: Vec<u32> = block.chunks_exact(4).map(word).collect();
        for i in 16..80 {
            let mixed = words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16];
            words.push(mixed.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in words.iter().enumerate() {
            let (choice, constant) = match i {
                0..=19 => (b & c | !b & d, 0x5a827999),
                20..=39 => (b ^ c ^ d, 0x6ed9eba1),
                40..=59 => (b & c | b & d | c & d, 0x8f1bbcdc),
                _ => (b ^ c ^ d, 0xca62c1d6_u32),
            };
            let sum = [choice, e, constant, *word].into_iter().fold(a.rotate_left(5), u32::wrapping_add);
            (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
        }
        for (value, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *value = value.wrapping_add(add);
        }
    }
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}
