//! Secrets planted in every syntax: none may come out, and what is no secret must stay.

use crate::{redact, redact_part};

/// Texts with the secret `hunter2` or `Zx9` in them; neither may survive.
const PLANTED: &[&str] = &[
    // Addresses and data source names.
    "url: postgres://auth:hunter2@db:5432/users?connect_timeout=3",
    "URL=redis://:hunter2@cache:6379/0",
    "url = \"mongodb://a:hunter2@m1,m2:27017/x\"",
    "amqp://user:hunter2/with/slash@mq/vhost",
    "dsn: auth:hunter2@tcp(db:3306)/users?timeout=5s",
    "DSN=auth:hunter2@tcp(db:3306)/users",
    "jdbc:postgresql://db/users?user=auth&password=hunter2&socketTimeout=3",
    "jdbc:sqlserver://db;user=auth;password=hunter2;loginTimeout=3",
    "dsn = \"host=db password=hunter2 connect_timeout=3\"",
    "peers: http://a:hunter2@h1,http://b:hunter2@h2",
    // YAML.
    "password: hunter2",
    "password: hunter2 with blanks # and a comment",
    "  - password: \"hunter2\"",
    "db: {user: a, password: hunter2 and more, timeout: 3s}",
    "password: |\n  hunter2\n  hunter2\nnext: 1",
    "password: >-\n    hunter2\n",
    "password:\n  hunter2\n",
    "passwords:\n- hunter2\n- hunter2\n",
    "clientSecret: 'hun''hunter2'",
    "env:\n- name: DB_PASSWORD\n  value: hunter2\n",
    "env:\n- value: hunter2\n  name: DB_PASSWORD\n",
    "env: [{name: DB_PASSWORD, value: hunter2}]",
    "args: [\"--password\", \"hunter2\"]",
    "args:\n  - --password\n  - hunter2\n",
    "args:\n  - --db-password=hunter2\n",
    "command: run --token hunter2 --timeout 3s",
    "# password: hunter2",
    "password: &anchor hunter2",
    "apiVersion: v1\nkind: Secret\nstringData:\n  anything: hunter2\n",
    "kind: Secret\ndata:\n  other: aHVudGVyMghunter2\n",
    // JSON.
    "{\"password\": \"hunter2\", \"timeout\": 3}",
    "{\"password\":\"hun\\\"hunter2\"}",
    "{\n  \"password\":\n    \"hunter2\"\n}",
    "{\"secrets\": [\"hunter2\", \"hunter2\"]}",
    "{\"env\": {\"name\": \"API_KEY\", \"value\": \"hunter2\"}}",
    "config: \"{\\\"password\\\": \\\"hunter2\\\"}\"",
    // TOML.
    "password = \"hunter2\"",
    "password = '''\nhunter2\n'''",
    "password = \"\"\"hunter2\nhunter2\"\"\"",
    "db = { password = \"hunter2\", timeout = 3 }",
    "api_key = 'hunter2'",
    "[db.\"password\"]\nvalue = 1\n\"private-key\" = \"hunter2\"",
    // Properties, INI, dotenv, shell.
    "spring.datasource.password=hunter2",
    "spring.datasource.password : hunter2",
    "db.password=one\\\n  hunter2\\\n  hunter2",
    "[db]\npasswd = hunter2 ; comment",
    "export DB_PASSWORD='hunter2'",
    "DB_PASSWORD=\"hun hunter2\"",
    "export API_TOKEN=hunter2",
    "GITHUB_TOKEN=hunter2",
    "AWS_SECRET_ACCESS_KEY=hunter2",
    // NGINX, Redis.
    "proxy_set_header X-Api-Key hunter2;",
    "proxy_set_header Authorization \"Basic hunter2hunter2==\";",
    "set $api_token \"hunter2\";",
    "requirepass hunter2",
    // Names run together, parameters of addresses.
    "url: jdbc:postgresql://db/x?sslmode=on&sslpassword=hunter2&socketTimeout=3",
    "url: jdbc:postgresql://db/x?sslkeypass=hunter2&dbpass=Zx9",
    "url: http://h/x?auth=hunter2&timeout=3",
    "url: http://h/x?timeout=3&auth=hunter2",
    "<url>http://h/x?timeout=3&amp;auth=hunter2</url>",
    "dbpass: hunter2",
    "bindpasswd = hunter2",
    "myapptoken=hunter2",
    "ldap.keystorepass=hunter2",
    "sslpassword_file_content: hunter2",
    // Command lines.
    "command: [\"sh\", \"-c\", \"PGPASSWORD=hunter2 psql -c x; sleep 30\"]",
    "  PGPASSWORD=hunter2 psql && sleep 30",
    "test: sleep 30; PGPASSWORD='hunter2 hunter2' psql",
    "command: sh -c 'sleep 30; MYSQL_PWD=hunter2 mysql -e x'",
    "command: [\"sh\", \"-c\", \"sleep 30 && mysql -uroot -phunter2 x\"]",
    "command: [\"mysql\",\"-uroot\",\"-phunter2\"]",
    "command: [mysqladmin, ping, -phunter2]",
    "command: [mysql,-phunter2]",
    "run: \"mysql -p'hunter2 hunter2' x\"",
    "run: \"mysql -p\\\"hunter2 hunter2\\\" x\"",
    "test:\n  - CMD\n  - mysqladmin\n  - -phunter2\n",
    "ExecStart=/usr/bin/mysql -phunter2",
    "  mysql -h db \\\n    -u root \\\n    -phunter2",
    "# mysqldump -phunter2",
    "sleep 30; redis-cli -a hunter2 ping",
    "[\"redis-cli\",\"-a\",\"hunter2\",\"ping\"]",
    "[\"redis-cli\", \"--pass\", \"hunter2\"]",
    "docker exec -it redis redis-cli -h x -a hunter2",
    "redis-cli AUTH hunter2",
    "- redis-cli\n- -a\n- hunter2\n- ping\n",
    "mongosh -u a -p hunter2 --eval x",
    "[\"mongo\",\"-p\",\"hunter2 hunter2\"]",
    "vault login hunter2 && sleep 30",
    "vault login -no-print hunter2",
    "docker login -u me -p hunter2 registry",
    "command: [ldapsearch]\nargs: [\"-w\",\"hunter2\"]",
    "command:\n- ldapsearch\nargs:\n- -D\n- cn=a\n- -w\n- hunter2\n",
    "args: [\"-D\",\"cn=admin,dc=x\",\"-w\",\"hunter2\"]",
    "ldapwhoami -x -w hunter2 -o nettimeout=3",
    "curl -m 3 -ume:hunter2 http://h",
    "[\"curl\",\"-u\",\"me:hunter2\"]",
    "[\"--token\",\"hunter2\"]",
    "[\"-password\",\"hunter2 hunter2\"]",
    "keytool -storepass hunter2 -list",
    "sshpass -phunter2 ssh h",
    "ssl_passphrase_command=echo hunter2",
    "command: postgres -c ssl_passphrase_command=echo hunter2",
    "command: [postgres, -c, \"ssl_passphrase_command=echo hunter2\", -c, tcp_keepalives_idle=60]",
    "ssl_passphrase_command = 'echo hunter2'",
    // Whole forms.
    "x: -----BEGIN RSA PRIVATE KEY-----\n  hunter2\n  -----END RSA PRIVATE KEY-----",
    "x = \"-----BEGIN PRIVATE KEY-----\\nhunter2\\n-----END PRIVATE KEY-----\"",
    "-----BEGIN CERTIFICATE-----\nhunter2",
    "x: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0hunter2.sig",
    "x: AKIAZx9Zx9Zx9Zx9Zx9Z",
    "x: ghp_Zx9Zx9Zx9Zx9Zx9Zx9Zx9",
    "curl -H 'Authorization: Bearer hunter2hunter2'",
    "authorization: hunter2",
    "title says https://me:hunter2@host/ is slow",
];

#[test]
fn no_planted_secret_survives_and_every_offset_stays() {
    for text in PLANTED {
        let hidden = redact(text);
        assert!(!hidden.contains("hunter2") && !hidden.contains("Zx9"), "{text}\n{hidden}");
        assert_eq!(hidden.len(), text.len(), "{text}\n{hidden}");
        assert_eq!(hidden.chars().count(), text.chars().count(), "{text}");
        assert_eq!(hidden.matches('\n').count(), text.matches('\n').count(), "{text}");
    }
}

#[test]
fn what_only_tells_of_a_secret_stays() {
    for text in [
        "token_timeout: 300ms",
        "password_hash_timeout = \"2s\"",
        "secretName: db-credentials",
        "secretKeyRef: {name: db, key: x}",
        "secret:\n  secretName: db\n  optional: true\n",
        "token:\n  refresh_timeout: 300ms\n",
        "max_tokens: 100",
        "tokens_per_second = 5",
        "automountServiceAccountToken: false",
        "image: registry/auth:1.2@sha256:0123456789abcdef",
        "contact: someone@example.org",
        "git@example.org:group/auth.git",
        "url: http://directory:8080/lookup",
        "proxy_pass http://directory;",
        "proxy_pass_header Server;",
        "location /token { proxy_read_timeout 5s; }",
        "auth waits 300 ms for directory, which needs 505 ms at p99",
        "keepalive_timeout 65s;",
        "# the password service is slow",
        "kind: Secret\nmetadata:\n  name: auth\n",
        "kind: Secret\nstringData:\n  TIMEOUT: 300ms\n",
        "Basic authentication is used",
        "passThrough: true",
        "compass_timeout: 30s",
        "compass: north",
        "proxy_cache_bypass $cookie_x;",
        "sslpassword_timeout: 3s",
        "auth: http://auth:8080",
        "auth=5s",
        "url: http://auth/x?authTimeout=3&timeout=3",
        "docker run -p 8080:80 -a stdout web",
        "docker run --name mongo -p 27017:27017 mongo",
        "serve -p 8080 -w 30 -a 5s",
        "args: [\"-p\", \"8080\"]",
        "nc -w 3 redis 6379",
        "mysql -P 3306 --connect-timeout=5 -p",
        "mysql -uroot -p; serve -p8080",
        "redis-cli -h cache -t 3 ping && nc -a x",
        "curl -m 3 -u me http://h",
        "image: mongo\nargs: [\"-p\", \"8080\"]",
        "vault server -config=/etc/vault",
        "vault login -method=github",
        "login page: 30s",
        "etc/token.yaml:12 waits 30 s for b/db-password.yaml:3:9",
        "secrets/dbpass:12: timeout is 30 s",
        "sslpassword.yaml:7",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn blanks_of_several_bytes_stand_between_words_too() {
    assert_eq!(redact("run\u{a0}--token\u{3000}hunter2\u{a0}é"), "run\u{a0}--token\u{3000}*******\u{a0}é");
}

#[test]
fn the_rest_of_a_line_stays_readable() {
    for (text, expected) in [
        (
            "url = \"postgres://auth:hunter2@db/users?password=hunter2&connect_timeout=3\"",
            "url = \"postgres://************@db/users?password=*******&connect_timeout=3\"",
        ),
        ("db: {user: a, password: hunter2, timeout: 3s}", "db: {user: a, password: *******, timeout: 3s}"),
        ("password = \"hünt€😀\" # ours", "password = \"*×**∗🞶\" # ours"),
    ] {
        assert_eq!(redact(text), expected);
    }
}

#[test]
fn limits_beside_a_secret_stay() {
    for (text, expected) in [
        (
            "jdbc:postgresql://db/x?sslpassword=hunter2&socketTimeout=3",
            "jdbc:postgresql://db/x?sslpassword=*******&socketTimeout=3",
        ),
        ("http://h/x?auth=hunter2&timeout=3", "http://h/x?auth=*******&timeout=3"),
        (
            "test: mysqladmin ping -phunter2 -w5 && sleep 30",
            "test: mysqladmin ping -p******* -w5 && sleep 30",
        ),
        (
            "[\"redis-cli\",\"-a\",\"hunter2\",\"-t\",\"30\"]",
            "[\"redis-cli\",\"-a\",\"*******\",\"-t\",\"30\"]",
        ),
        ("sh -c 'PGPASSWORD=hunter2 psql' # 30s", "sh -c 'PGPASSWORD=******* psql' # 30s"),
        ("vault login hunter2 && sleep 30", "vault login ******* && sleep 30"),
    ] {
        assert_eq!(redact(text), expected);
    }
}

#[test]
fn long_lines_of_flags_take_time_in_proportion() {
    for part in
        ["-u,", "-ux,", "login,-a,", "\"-p", "a/x.yaml:1,", "secret_cmd=x ", "-p;", "--token,", "-p\\\""]
    {
        let text = format!("curl vault mongo {}", part.repeat(20_000));
        assert_eq!(redact(&text).len(), text.len());
    }
}

proptest::proptest! {
    #[test]
    fn any_command_keeps_its_length_and_lines(text in "((mysql|curl|vault|redis-cli|login|mongo|-p|-u|-a|-D|cn=|--token|args:|[-\"'\\\\,;&|\\[\\]() \n=:a\u{e9}\u{3000}]) ?){0,40}") {
        let hidden = redact(&text);
        proptest::prop_assert_eq!(hidden.len(), text.len());
        proptest::prop_assert_eq!(hidden.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn any_text_keeps_its_length_and_lines(text in "[-a-z:=@/\"'{}\\[\\]|>&#; \n\u{e9}\u{20ac}]{0,80}(password|token|://)?[-a-z:=@/\"' \n]{0,40}") {
        let hidden = redact(&text);
        proptest::prop_assert_eq!(hidden.len(), text.len());
        proptest::prop_assert_eq!(hidden.matches('\n').count(), text.matches('\n').count());
    }
}

#[test]
fn a_part_is_hidden_as_it_is_in_the_whole() {
    let whole = "run --password old-one --limit 1s\nstats auth admin:hunter2\nlimit 1s old\n";
    for (part, expected) in [
        ("old-one --limit 1s", "******* --limit 1s"),
        ("1s", "1s"),
        ("old", "old"),
        ("[1s, old-one]", "[1s, ********"),
    ] {
        assert_eq!(redact_part(part, whole), expected, "{part}");
    }
    assert!(!redact_part("admin:hunter2", whole).contains("hunter2"));
}
