//! For which system and processor a file has machine code, read from its header.
//!
//! Addons for other platforms are brought here by hand or by scripts; a mistake there would be found by those who
//! install the package.

/// `<system>-<processor>` as Node.js names them; none for a file that is no program or library of a known kind.
pub(super) fn platform_of(file: &[u8]) -> Option<&'static str> {
    match file.get(..4)? {
        // ELF: `e_machine`.
        b"\x7fELF" => match short(file, 18)? {
            62 => Some("linux-x64"),
            183 => Some("linux-arm64"),
            _ => None,
        },
        // Mach-O of 64 bits: `cputype`.
        b"\xcf\xfa\xed\xfe" => match word(file, 4)? {
            0x0100_0007 => Some("darwin-x64"),
            0x0100_000c => Some("darwin-arm64"),
            _ => None,
        },
        // Windows: `Machine` of the header that the one of MS-DOS leads to.
        [b'M', b'Z', ..] => {
            let header = usize::try_from(word(file, 0x3c)?).ok()?;
            if file.get(header..)?.get(..4)? != b"PE\0\0" {
                return None;
            }
            match short(file, header + 4)? {
                0x8664 => Some("win32-x64"),
                0xaa64 => Some("win32-arm64"),
                _ => None,
            }
        }
        _ => None,
    }
}

fn short(file: &[u8], at: usize) -> Option<u16> {
    let bytes = file.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

fn word(file: &[u8], at: usize) -> Option<u32> {
    let bytes = file.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::platform_of;
    use crate::repo;

    #[test]
    fn this_program_is_of_this_platform() {
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(
            platform_of(&program).map(str::to_owned),
            repo::platform().ok()
        );
    }

    #[test]
    fn headers_of_each_kind_are_read() {
        let mut elf = [0; 64];
        elf[..4].copy_from_slice(b"\x7fELF");
        elf[18] = 183;
        assert_eq!(platform_of(&elf), Some("linux-arm64"));
        assert_eq!(
            platform_of(b"\xcf\xfa\xed\xfe\x0c\0\0\x01"),
            Some("darwin-arm64")
        );
        let mut windows = [0; 128];
        windows[..2].copy_from_slice(b"MZ");
        windows[0x3c] = 64;
        windows[64..70].copy_from_slice(b"PE\0\0\x64\x86");
        assert_eq!(platform_of(&windows), Some("win32-x64"));
    }

    #[test]
    fn anything_else_has_none() {
        for file in [
            &b""[..],
            b"MZ",
            b"\x7fELF",
            b"this is a text file",
            &[0xff; 100],
        ] {
            assert_eq!(platform_of(file), None, "{file:?}");
        }
        let mut lost = [0; 64];
        lost[..2].copy_from_slice(b"MZ");
        lost[0x3c..0x40].copy_from_slice(&[0xff; 4]);
        assert_eq!(platform_of(&lost), None);
    }
}
