//! The examples of RFC 7541, what no encoder writes, and our blocks read back by ourselves.

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// The fields of a block, one a line.
fn read(decoder: &mut Decoder, block: &[u8]) -> Result<String, Garbled> {
    let mut lines = String::new();
    decoder.decode(block, &mut Vec::new(), |field| {
        let [name, value] = [field.name, field.value].map(String::from_utf8_lossy);
        lines.push_str(&format!("{name}: {value}\n"));
    })?;
    Ok(lines)
}

#[test]
fn integers_and_literals_of_appendix_c() {
    for (hex, line) in [
        (
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            "custom-key: custom-header\n",
        ),
        ("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n"),
        ("1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret\n"),
        ("82", ":method: GET\n"),
    ] {
        assert_eq!(read(&mut Decoder::new(), &bytes(hex)).as_deref(), Ok(line));
    }
    // C.1: 1337 behind a prefix of five bits; then the largest size of a table, and one more.
    assert_eq!(read(&mut Decoder::new(), &bytes("3f9a0a")).as_deref(), Ok(""));
    assert_eq!(read(&mut Decoder::new(), &bytes("3fe11f")).as_deref(), Ok(""));
    assert_eq!(read(&mut Decoder::new(), &bytes("3fe21f")), Err(Garbled));
}

/// C.3 and C.4: three requests on one connection, plain and coded.
#[test]
fn requests_of_appendix_c() {
    let lines = [
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n",
        ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache\n",
        ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value\n",
    ];
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let coded = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new();
        for (block, lines) in blocks.iter().zip(lines) {
            assert_eq!(read(&mut decoder, &bytes(block)).as_deref(), Ok(lines));
        }
    }
}

/// C.5 and C.6: three responses with a table of 256 bytes, so that entries are dropped.
#[test]
fn responses_of_appendix_c() {
    let first = ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com\n";
    let second = first.replace("302", "307");
    let third = ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\nlocation: https://www.example.com\ncontent-encoding: gzip\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n";
    let plain = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ];
    let coded = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new();
        // The size of the examples, which a client says by itself.
        assert_eq!(read(&mut decoder, &bytes("3fe101")).as_deref(), Ok(""));
        for (block, lines) in blocks.iter().zip([first, &*second, third]) {
            assert_eq!(read(&mut decoder, &bytes(block)).as_deref(), Ok(lines));
        }
    }
}

#[test]
fn what_is_no_block_is_garbled() {
    for (hex, why) in [
        ("80", "the index 0"),
        ("be", "an index beyond the tables"),
        ("ff80 8080 8001", "an index of five bytes"),
        ("ff", "an index that is cut off"),
        ("00", "no name"),
        ("0005 6162", "a name that is cut off"),
        ("0001 61", "no value"),
        ("7f00 0161", "a name from beyond the tables"),
        ("8220", "a size behind a field"),
        ("0001 6181 00", "padding of zeros"),
        ("0001 6182 0fff", "padding of a byte"),
        ("0001 6184 ffff ffff", "the code that ends a text"),
    ] {
        assert_eq!(read(&mut Decoder::new(), &bytes(hex)), Err(Garbled), "{why}");
    }
    // All of the padding's bits may be there, or none.
    assert_eq!(read(&mut Decoder::new(), &bytes("0001 6181 07")).as_deref(), Ok("a: 0\n"));
    assert_eq!(
        read(&mut Decoder::new(), &bytes("0001 6185 0000 0000 00")).as_deref(),
        Ok("a: 00000000\n")
    );
}

#[test]
fn every_byte_survives_the_code() {
    let text: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    let mut coded = Vec::new();
    huffman::encode(&text, &mut coded);
    assert_eq!(coded.len(), huffman::coded_len(&text));
    let mut back = Vec::new();
    assert_eq!(huffman::decode(&coded, &mut back), Ok(()));
    assert_eq!(back, text);
}

#[test]
fn an_entry_may_name_one_that_it_displaces() {
    let mut decoder = Decoder::new();
    let long = "x".repeat(3000);
    let mut block = bytes("40 03 61 62 63");
    let value = |block: &mut Vec<u8>, text: &str| {
        block.extend_from_slice(&[0x7f]);
        let len = text.len() - 127;
        block.extend_from_slice(&[0x80 | (len & 0x7f) as u8, (len >> 7) as u8]);
        block.extend_from_slice(text.as_bytes());
    };
    value(&mut block, &long);
    // The name is the newest entry's, which has to go for the new one.
    block.push(0x7e);
    value(&mut block, &long.replace('x', "y"));
    block.push(0xbe);
    let lines = read(&mut decoder, &block).unwrap();
    assert_eq!(lines.lines().filter(|line| line.starts_with("abc: yyy")).count(), 2);
    assert_eq!(read(&mut decoder, &[0xbf]), Err(Garbled));
    // One that is larger than the table empties it.
    let mut block = bytes("40 01 61");
    value(&mut block, &"z".repeat(5000));
    assert!(read(&mut decoder, &block).is_ok());
    assert_eq!(read(&mut decoder, &[0xbe]), Err(Garbled));
}

#[test]
fn a_table_does_not_outgrow_its_size() {
    let mut decoder = Decoder::new();
    for number in 0..10_000_u32 {
        let value = format!("{number:0>60}");
        let mut block = vec![0x40, 1, b'n', 60];
        block.extend_from_slice(value.as_bytes());
        block.push(0xbe);
        assert_eq!(read(&mut decoder, &block).unwrap(), format!("n: {value}\n").repeat(2));
    }
    decoder.rest();
    let oldest = 61 + 4096 / (61 + 32);
    let index = u8::try_from(oldest).unwrap() | 0x80;
    let kept = read(&mut decoder, &[index]).unwrap();
    assert_eq!(kept, format!("n: {:0>60}\n", 10_000 - 4096 / (61 + 32)));
    assert_eq!(read(&mut decoder, &[index + 1]), Err(Garbled));
}

#[test]
fn what_is_written_reads_the_same() {
    let fields = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("x-Long-Name-That-Is-In-No-Table", "\u{80}\u{ff} \t!"),
        ("set-cookie", "a=b; HttpOnly"),
        ("vary", ""),
        ("strict-transport-security", &"max-age=1".repeat(40)),
        ("age", "~~~~"),
    ];
    let mut lines = ":status: 200\n:status: 404\n:status: 418\n".to_owned();
    for (name, value) in fields {
        lines.push_str(&format!("{}: {value}\n", name.to_ascii_lowercase()));
    }
    lines.push_str("content-length: 1024\n");
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let mut sizes = Vec::new();
    for round in 0..6 {
        let mut block = Vec::new();
        encoder.begin(&mut block);
        for code in [200, 404, 418] {
            status(code, &mut block);
        }
        for (name, value) in fields {
            encoder.field(name.as_bytes(), value.as_bytes(), &mut block);
        }
        length(1024, &mut block);
        assert_eq!(read(&mut decoder, &block).as_ref(), Ok(&lines), "{round}");
        sizes.push(block.len());
        match round {
            3 => encoder.rest(),
            4 => encoder.limit(100),
            _ => {}
        }
    }
    // The second time enters what the third time points at; a rest, or a small table, undoes that.
    assert!(sizes[1] <= sizes[0] && sizes[2] < sizes[1] - 50 && sizes[3] == sizes[2], "{sizes:?}");
    assert!(sizes[4] > sizes[0] && sizes[5] == sizes[0] + 1, "{sizes:?}");
}

#[test]
fn the_tables_of_both_sides_stay_in_step() {
    let mut random = fastrand::Rng::with_seed(7541);
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    for _ in 0..3_000 {
        let (mut block, mut lines) = (Vec::new(), String::new());
        encoder.begin(&mut block);
        for _ in 0..random.usize(..12) {
            let name = ["server", "X-Name", "date", "via", "x-b"][random.usize(..5)];
            let value = match random.u8(..3) {
                0 => format!("{}", random.u8(..20)),
                1 => "v".repeat(random.usize(..300)),
                _ => format!("{:0>200}", random.u8(..20)),
            };
            encoder.field(name.as_bytes(), value.as_bytes(), &mut block);
            lines.push_str(&format!("{}: {value}\n", name.to_ascii_lowercase()));
        }
        assert_eq!(read(&mut decoder, &block), Ok(lines));
        if random.u8(..100) == 0 {
            encoder.rest();
        }
    }
}
