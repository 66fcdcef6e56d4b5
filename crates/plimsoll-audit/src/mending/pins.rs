//! Commits of actions that are used much: what their tags named when the table was made.

/// When the table was made, from the actions' own repositories.
pub(crate) const MADE: &str = "August 2026";

/// A tag, the commit that it named, and the whole version of that.
type Pin = (&'static str, &'static str, &'static str);

/// Actions in the order of their names, with what their tags named.
const PINS: &[(&str, &[Pin])] = &[
    (
        "actions/cache",
        &[
            ("v4", "0057852bfaa89a56745cba8c7296529d2fc39830", "v4.3.0"),
            ("v5", "27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5"),
        ],
    ),
    (
        "actions/checkout",
        &[
            ("v4", "11d5960a326750d5838078e36cf38b85af677262", "v4.4.0"),
            ("v5", "fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09", "v5.1.0"),
            ("v6", "d23441a48e516b6c34aea4fa41551a30e30af803", "v6.1.0"),
            ("v7", "3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
        ],
    ),
    (
        "actions/download-artifact",
        &[
            ("v5", "634f93cb2916e3fdff6788551b99b062d0335ce0", "v5.0.0"),
            ("v6", "018cc2cf5baa6db3ef3c5f8a56943fffe632ef53", "v6.0.0"),
            ("v7", "37930b1c2abaa49bbe596cd826c3c89aef350131", "v7.0.0"),
            ("v8", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"),
        ],
    ),
    (
        "actions/github-script",
        &[
            ("v6", "d7906e4ad0b1822421a7e6a35d5ca353c962f410", "v6.4.1"),
            ("v7", "f28e40c7f34bde8b3046d885e986cb6290c5673b", "v7.1.0"),
            ("v8", "ed597411d8f924073f98dfc5c65a23a2325f34cd", "v8.0.0"),
        ],
    ),
    (
        "actions/setup-go",
        &[
            ("v4", "7b8cf10d4e4a01d4992d18a89f4d7dc5a3e6d6f4", "v4.3.0"),
            ("v5", "40f1582b2485089dde7abd97c1529aa768e1baff", "v5.6.0"),
            ("v6", "924ae3a1cded613372ab5595356fb5720e22ba16", "v6.5.0"),
            ("v7", "b7ad1dad31e06c5925ef5d2fc7ad053ef454303e", "v7.0.0"),
        ],
    ),
    (
        "actions/setup-node",
        &[
            ("v4", "49933ea5288caeca8642d1e84afbd3f7d6820020", "v4.4.0"),
            ("v5", "a0853c24544627f65ddf259abe73b1d18a591444", "v5.0.0"),
            ("v6", "249970729cb0ef3589644e2896645e5dc5ba9c38", "v6.5.0"),
            ("v7", "820762786026740c76f36085b0efc47a31fe5020", "v7.0.0"),
        ],
    ),
    (
        "actions/setup-python",
        &[
            ("v4", "7f4fc3e22c37d6ff65e88745f38bd3157c663f7c", "v4.9.1"),
            ("v5", "a26af69be951a213d495a4c3e4e4022e16d87065", "v5.6.0"),
            ("v6", "ece7cb06caefa5fff74198d8649806c4678c61a1", "v6.3.0"),
            ("v7", "5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
        ],
    ),
    (
        "actions/upload-artifact",
        &[
            ("v4", "ea165f8d65b6e75b540449e92b4886f43607fa02", "v4.6.2"),
            ("v5", "330a01c490aca151604b8cf639adc76d48f6c5d4", "v5.0.0"),
            ("v6", "b7c566a772e6b6bfb58ed0dc250532a479d7789f", "v6.0.0"),
            ("v7", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"),
        ],
    ),
    ("anchore/sbom-action", &[("v0", "e22c389904149dbc22b58101806040fa8d37a610", "v0.24.0")]),
    ("anchore/scan-action", &[("v7", "e1165082ffb1fe366ebaf02d8526e7c4989ea9d2", "v7.4.0")]),
    (
        "astral-sh/setup-uv",
        &[
            ("v4", "38f3f104447c67c051c4a08e39b64a148898af3a", "v4.2.0"),
            ("v5", "d4b2f3b6ecc6e67c4457f6d3e41ec42d3d0fcb86", "v5.4.2"),
            ("v6", "d0cc045d04ccac9d8b7881df0226f9e82c39688e", "v6.8.0"),
            ("v7", "37802adc94f370d6bfd71619e3f0bf239e1f3b78", "v7.6.0"),
        ],
    ),
    (
        "codecov/codecov-action",
        &[
            ("v3", "ab904c41d6ece82784817410c45d8b8c02684457", "v3.1.6"),
            ("v4", "b9fd7d16f6d7d1b5d2bec1a2887e65ceed900238", "v4.6.0"),
            ("v5", "671740ac38dd9b0130fbe1cec585b89eea48d3de", "v5.5.2"),
        ],
    ),
    (
        "docker/build-push-action",
        &[
            ("v4", "0a97817b6ade9f46837855d676c4cca3a2471fc9", "v4.2.1"),
            ("v5", "ca052bb54ab0790a636c9b5f226502c73d547a25", "v5.4.0"),
            ("v6", "10e90e3645eae34f1e60eeb005ba3a3d33f178e8", "v6.19.2"),
            ("v7", "53b7df96c91f9c12dcc8a07bcb9ccacbed38856a", "v7.3.0"),
        ],
    ),
    (
        "docker/login-action",
        &[
            ("v2", "465a07811f14bebb1938fbed4728c6a1ff8901fc", "v2.2.0"),
            ("v3", "c94ce9fb468520275223c153574b00df6fe4bcc9", "v3.7.0"),
            ("v4", "4907a6ddec9925e35a0a9e82d7399ccc52663121", "v4.1.0"),
        ],
    ),
    (
        "docker/metadata-action",
        &[
            ("v4", "818d4b7b91585d195f67373fd9cb0332e31a7175", "v4.6.0"),
            ("v5", "c299e40c65443455700f0fdfc63efafe5b349051", "v5.10.0"),
            ("v6", "dc802804100637a589fabce1cb79ff13a1411302", "v6.2.0"),
        ],
    ),
    (
        "docker/setup-buildx-action",
        &[
            ("v2", "885d1462b80bc1c1c7f0b00334ad271f09369c55", "v2.10.0"),
            ("v3", "8d2750c68a42422c14e847fe6c8ac0403b4cbd6f", "v3.12.0"),
            ("v4", "37fe631027851001ddb9b187196cc803df7f5f0e", "v4.3.0"),
        ],
    ),
    (
        "docker/setup-qemu-action",
        &[
            ("v2", "2b82ce82d56a2a04d2637cd93a637ae1b359c0a7", "v2.2.0"),
            ("v3", "c7c53464625b32c7a7e944ae62b3e17d2b600130", "v3.7.0"),
            ("v4", "96fe6ef7f33517b61c61be40b68a1882f3264fb8", "v4.2.0"),
        ],
    ),
    (
        "github/codeql-action",
        &[
            ("v3", "dd903d2e4f5405488e5ef1422510ee31c8b32357", "v3.36.2"),
            ("v4", "8aad20d150bbac5944a9f9d289da16a4b0d87c1e", "v4.36.2"),
        ],
    ),
    (
        "gitleaks/gitleaks-action",
        &[
            ("v2", "ff98106e4c7b2bc287b24eaf42907196329070c7", "v2.3.9"),
            ("v3", "e0c47f4f8be36e29cdc102c57e68cb5cbf0e8d1e", "v3.0.0"),
        ],
    ),
    ("sigstore/cosign-installer", &[("v3", "398d4b0eeef1380460a10c8013a76f728fb906ac", "v3.9.1")]),
];

/// The commit that a tag of an action named, and its whole version.
pub(crate) fn action(name: &str, tag: &str) -> Option<(&'static str, &'static str)> {
    let name = name.to_ascii_lowercase();
    // Several actions may live in one repository.
    let repository = name.match_indices('/').nth(1).map_or(&*name, |(at, _)| &name[..at]);
    let (_, tags) = PINS.iter().find(|(known, _)| *known == repository)?;
    let (_, commit, version) =
        tags.iter().find(|(known, _, version)| *known == tag || *version == tag)?;
    Some((commit, version))
}

/// The whole version of an action that a commit is, where the table has it.
pub(crate) fn version(name: &str, commit: &str) -> Option<&'static str> {
    let (_, tags) = PINS.iter().find(|(known, _)| *known == name)?;
    tags.iter().find(|(_, known, _)| *known == commit).map(|(_, _, version)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_whole_and_each_action_stands_once() {
        for (name, tags) in PINS {
            for (tag, commit, version) in *tags {
                let hex = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(hex && version.starts_with(&format!("{tag}.")), "{name} {tag}");
            }
        }
        assert!(PINS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(action("github/codeql-action/init", "v3").map(|pin| pin.1), Some("v3.36.2"));
        assert_eq!(action("actions/checkout", "main"), None);
    }
}
