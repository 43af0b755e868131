//! How a file is to be read, by its name and, where the name leaves it open, by its text. Must not
//! parse: it looks at lines.

use text::Syntax;

use crate::Reading;

const BY_NAME: &str = "its name says that it is no configuration";
const ENGINE: &str = "its name says that a template engine makes a configuration of it";
const UNKNOWN: &str = "no known syntax";
const SQUID: &str = "Squid configuration, which is not read yet";
const REDIS: &str = "Redis configuration, which is not read yet";
const SECTIONS: &str = "Apache or Fluentd configuration, which is not read yet";
const LINES: &str = "lines of words in no syntax that is read";
const MARKS: &str = "it holds a template engine's expressions";

/// How a file is to be read, by its path (relative, with `/`) and its text.
pub fn syntax_of(path: &str, text: &str) -> Reading {
    reading_by_name(path).unwrap_or_else(|| {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        by_text(&name, text)
    })
}

/// How a file is to be read where its name alone settles that; such a file need not be opened.
pub fn reading_by_name(path: &str) -> Option<Reading> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    by_name(&name)
}

fn by_name(name: &str) -> Option<Reading> {
    match ending(name) {
        Ending::Engine => Some(Reading::Template(ENGINE)),
        Ending::Pattern { stem, filled } => match by_name(stem) {
            Some(Reading::NotOurs(_)) if filled => Some(Reading::Template(ENGINE)),
            settled => settled,
        },
        Ending::Plain(extension) => match (never_ours(name), named(name, extension)) {
            (Some(why), _) => Some(Reading::NotOurs(why)),
            (None, None) => Some(Reading::NotOurs(UNKNOWN)),
            (None, Some(_)) => None,
        },
    }
}

/// For names that leave it open.
fn by_text(name: &str, text: &str) -> Reading {
    let extension = match ending(name) {
        Ending::Engine => return Reading::Template(ENGINE),
        // The images of NGINX and others fill `${NAME}` into such files and nothing else: what is no
        // variable stands there as it will be.
        Ending::Pattern { stem, filled } => {
            return match by_text(stem, text) {
                Reading::As(syntax) if !has_marks(text) => Reading::As(syntax),
                Reading::As(_) => Reading::Template(MARKS),
                Reading::NotOurs(_) if filled => Reading::Template(ENGINE),
                other => other,
            };
        }
        Ending::Plain(extension) => extension,
    };
    let syntax = match named(name, extension) {
        Some(Named::As(syntax)) => Ok(syntax),
        Some(Named::Conf) => of_conf(text),
        Some(Named::Haproxy) => Ok(of_conf(text).unwrap_or(Syntax::Haproxy)),
        None => Err(UNKNOWN),
    };
    let syntax = match syntax {
        Ok(syntax) => syntax,
        Err(why) => return Reading::NotOurs(why),
    };
    let is_template = match syntax {
        Syntax::Yaml => !is_yaml(text),
        Syntax::Json => text.contains("{%") || text.contains(": {{") || text.contains("<%"),
        // `{%[src]}` is HAProxy's own: an expression in braces.
        Syntax::Haproxy => has_marks(&text.replace("{%[", "")),
        Syntax::Nginx | Syntax::Ini | Syntax::Properties | Syntax::Toml | Syntax::Env => has_marks(text),
    };
    if is_template { Reading::Template(MARKS) } else { Reading::As(syntax) }
}

/// What the end of a name says.
enum Ending<'n> {
    /// A template engine makes a configuration of it.
    Engine,
    /// Something makes a file called `stem` of it; where `filled`, by filling it in.
    Pattern { stem: &'n str, filled: bool },
    /// An extension, empty where there is none.
    Plain(&'n str),
}

fn ending(name: &str) -> Ending<'_> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    match extension {
        "tpl" | "j2" | "jinja" | "jinja2" | "erb" | "epp" | "gotmpl" | "ctmpl" | "mustache" | "hbs" => {
            Ending::Engine
        }
        "tmpl" | "template" => Ending::Pattern { stem, filled: true },
        "dist" | "example" | "sample" | "default" => Ending::Pattern { stem, filled: false },
        _ => Ending::Plain(extension),
    }
}

/// What a name stands for.
enum Named {
    As(Syntax),
    /// One of several syntaxes; the text says which.
    Conf,
    /// The same, HAProxy's where the text leaves it open.
    Haproxy,
}

fn named(name: &str, extension: &str) -> Option<Named> {
    if matches!(name, ".env" | "env") || name.starts_with(".env.") || extension == "env" {
        return Some(Named::As(Syntax::Env));
    }
    if name == "nginx.conf" {
        return Some(Named::As(Syntax::Nginx));
    }
    if name == "haproxy.cfg" {
        return Some(Named::Haproxy);
    }
    Some(Named::As(match extension {
        "yaml" | "yml" => Syntax::Yaml,
        "json" | "jsonc" | "json5" => Syntax::Json,
        "toml" => Syntax::Toml,
        "properties" => Syntax::Properties,
        "ini" | "cnf" | "service" | "socket" | "timer" => Syntax::Ini,
        "nginx" => Syntax::Nginx,
        "conf" | "cfg" | "config" => return Some(Named::Conf),
        _ => return None,
    }))
}

/// What a `.conf` holds: the name alone says nothing.
///
/// # Errors
///
/// Whose configuration it is, where that is in no syntax of ours.
fn of_conf(text: &str) -> Result<Syntax, &'static str> {
    let lines = || {
        let lines = text.lines().filter(|line| !line.trim_start().is_empty());
        let lines = lines.filter(|line| !line.trim_start().starts_with(['#', ';']));
        lines.map(|line| line.split(" #").next().unwrap_or(line).trim_end())
    };
    let opens = lines().any(|line| opens_nginx_block(line.trim_start()));
    let (mut blocks, mut sections, mut assigned, mut colons, mut pairs) = (0, 0, 0, 0, 0);
    for code in lines().map(str::trim) {
        if code.ends_with([';', '{', '}']) {
            blocks += 1;
        } else if code.starts_with('[') && code.ends_with(']') {
            sections += 1;
        } else if code.starts_with('<') {
            let is_xml =
                code.starts_with("<?") || code.starts_with("<!") || code.starts_with("<configuration");
            return Err(if is_xml { UNKNOWN } else { SECTIONS });
        } else if is_assignment(code) {
            assigned += 1;
        } else if code.ends_with(':') || code.contains(": ") {
            colons += 1;
        } else {
            pairs += 1;
        }
    }
    let others = sections + assigned + colons + pairs;
    if blocks > others || opens && blocks > assigned + sections {
        Ok(Syntax::Nginx)
    } else if sections + assigned > colons + pairs || sections > 0 && assigned > 0 {
        Ok(Syntax::Ini)
    } else if colons > pairs {
        Ok(Syntax::Yaml)
    } else {
        of_lines(lines)
    }
}

/// Whether a line opens a block that NGINX has, be it on one line with what is in it.
fn opens_nginx_block(line: &str) -> bool {
    let Some((before, _)) = line.split_once('{') else { return false };
    let mut words = before.split_whitespace();
    match words.next() {
        Some("events" | "http" | "server" | "stream" | "types") => words.next().is_none(),
        Some("upstream") => words.count() == 1,
        Some("location") => (1..=2).contains(&words.count()),
        Some("map" | "geo") => words.next().is_some_and(|word| word.starts_with('$')),
        _ => false,
    }
}

/// Whether a line gives a key a value: the sign stands behind one key, not inside an argument.
fn is_assignment(code: &str) -> bool {
    code.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim_end();
        !key.is_empty() && !key.contains(char::is_whitespace)
    })
}

/// Whose lines of words these are.
///
/// # Errors
///
/// Whose they are, where they are in no syntax of ours.
fn of_lines<'t, Lines: Iterator<Item = &'t str>>(lines: impl Fn() -> Lines) -> Result<Syntax, &'static str> {
    const REDIS_WORDS: [&str; 8] = [
        "maxmemory",
        "appendonly",
        "tcp-keepalive",
        "save",
        "requirepass",
        "replicaof",
        "daemonize",
        "databases",
    ];
    let starts = |words: &[&str]| {
        lines().filter(|line| words.contains(&line.split_whitespace().next().unwrap_or(""))).count()
    };
    let is_section = |line: &str| {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("global") => words.next().is_none(),
            // `NAME from DEFAULTS`, and of old an address behind the name.
            Some("defaults") => words.all(is_haproxy_name),
            Some("frontend" | "backend" | "listen") => {
                words.next().is_some_and(is_haproxy_name) && words.count() <= 3
            }
            _ => false,
        }
    };
    let sections = lines().filter(|line| !line.starts_with([' ', '\t']) && is_section(line)).count();
    if sections > 1 || sections > 0 && starts(&["timeout", "server", "mode", "bind", "maxconn"]) > 0 {
        Ok(Syntax::Haproxy)
    } else if starts(&["acl", "http_access", "http_port", "cache_dir", "cache_peer"]) > 1 {
        Err(SQUID)
    } else if starts(&REDIS_WORDS) > 0 {
        Err(REDIS)
    } else if lines().next().is_none() {
        Err(UNKNOWN)
    } else {
        Err(LINES)
    }
}

/// Whether a word may name a section of HAProxy's (configuration manual, chapter 4).
fn is_haproxy_name(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

/// Names that never hold settings of ours, although their syntax is known.
fn never_ours(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 12] = [
        "package-lock.json",
        "npm-shrinkwrap.json",
        "composer.lock",
        "cargo.lock",
        "pnpm-lock.yaml",
        "yarn.lock",
        "pubspec.lock",
        "poetry.lock",
        "tsconfig.json",
        "packages.lock.json",
        "mkdocs.yml",
        ".pre-commit-config.yaml",
    ];
    NAMES.contains(&name).then_some(BY_NAME)
}

/// Whether a text holds expressions of Jinja, Go templates or ERB.
fn has_marks(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, b"{{" | b"{%" | b"<%"))
}

/// Whether a text is YAML before any template engine has run. Expressions inside quotes, comments
/// and block scalars are text to YAML; one at the start of a line or of a value is not.
fn is_yaml(text: &str) -> bool {
    if !has_marks(text) {
        return true;
    }
    let mut block: Option<usize> = None;
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content.is_empty() {
            continue;
        }
        if block.is_some_and(|outer| indent > outer) {
            continue;
        }
        block = opens_block(content).then_some(indent);
        if content.starts_with('#') {
            continue;
        }
        let value = content.trim_start_matches("- ");
        let starts = |text: &str| ["{{", "{%", "<%"].iter().any(|mark| text.starts_with(mark));
        if starts(value) || value.split_once(": ").is_some_and(|(_, value)| starts(value.trim_start())) {
            return false;
        }
    }
    true
}

/// Whether a line ends in the header of a block scalar (`|`, `>-`, `|2`).
fn opens_block(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let header = line.rsplit(' ').next().unwrap_or(line);
    let Some(rest) = header.strip_prefix(['|', '>']) else { return false };
    rest.bytes().all(|byte| matches!(byte, b'-' | b'+' | b'0'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_syntax() {
        for (path, syntax) in [
            ("a/application.yml", Syntax::Yaml),
            ("values.YAML", Syntax::Yaml),
            ("appsettings.json", Syntax::Json),
            ("auth/auth.toml", Syntax::Toml),
            ("src/main/resources/application.properties", Syntax::Properties),
            ("etc/pgbouncer.ini", Syntax::Ini),
            ("etc/my.cnf", Syntax::Ini),
            (".env", Syntax::Env),
            (".env.production", Syntax::Env),
            ("web.env", Syntax::Env),
            ("env.example", Syntax::Env),
            ("docker/env.sample", Syntax::Env),
            ("web.env.example", Syntax::Env),
            ("auth.service", Syntax::Ini),
        ] {
            assert_eq!(syntax_of(path, "a = 1\n"), Reading::As(syntax), "{path}");
        }
    }

    #[test]
    fn the_text_says_what_a_conf_is() {
        for (text, syntax) in [
            ("# c\nserver {\n  listen 80;\n}\n", Syntax::Nginx),
            ("[DEFAULT]\nrpc_response_timeout = 60\n", Syntax::Ini),
            ("max_connections = 100\n", Syntax::Ini),
            (
                "events {}\nhttp { server { listen 80; location / { proxy_pass http://auth; } } }\n",
                Syntax::Nginx,
            ),
            ("server { listen 80; }\nupstream auth {\n  server a:80\n  ;\n}\n", Syntax::Nginx),
            ("[a]\nx = 1\ny\nz\n", Syntax::Ini),
            ("net:\n  port: 27017\n", Syntax::Yaml),
            (
                "global\n  maxconn 100\ndefaults\n  timeout connect 5s\nbackend a\n  server a a:80\n",
                Syntax::Haproxy,
            ),
            ("listen auth\n  bind :80\n  option httpchk GET /x?a=b\n", Syntax::Haproxy),
            ("defaults tcp from base\n  timeout server 1h\nbackend a from tcp\n", Syntax::Haproxy),
        ] {
            assert_eq!(syntax_of("x.conf", text), Reading::As(syntax), "{text}");
            assert_eq!(syntax_of("x.conf.template", text), Reading::As(syntax), "{text}");
        }
        for text in ["userlist a\n", "frontend a\n  log-format \"{%[src]}\"\n"] {
            assert_eq!(syntax_of("haproxy.cfg", text), Reading::As(Syntax::Haproxy), "{text}");
        }
        assert_eq!(syntax_of("haproxy.cfg", "[a]\nb = 1\n"), Reading::As(Syntax::Ini));
        assert_eq!(syntax_of("nginx.conf", "include a;\n"), Reading::As(Syntax::Nginx));
        assert_eq!(syntax_of("nginx.conf", "worker_processes\n  1;\na\nb\n"), Reading::As(Syntax::Nginx));
    }

    #[test]
    fn what_no_syntax_of_ours_reads_is_named() {
        for (text, why) in [
            ("<match **>\n</match>\n", SECTIONS),
            ("Timeout 60\n<VirtualHost *:80>\n</VirtualHost>\n", SECTIONS),
            ("<?xml version=\"1.0\"?>\n<a/>\n", UNKNOWN),
            ("acl a src 10.0.0.0/8\nhttp_access allow a\nread_timeout 5 minutes\n", SQUID),
            ("timeout 0\ntcp-keepalive 300\n", REDIS),
            ("timeout 0\nretry 3\n", LINES),
        ] {
            assert_eq!(syntax_of("x.cfg", text), Reading::NotOurs(why), "{text}");
            assert_eq!(syntax_of("x.conf", text), Reading::NotOurs(why), "{text}");
        }
    }

    #[test]
    fn template_sources_are_told_from_yaml_with_expressions_in_text() {
        for text in [
            "a: \"{{ b }}\"\n",
            "a: 'x {{ b }}'\n",
            "# {{ b }}\na: 1\n",
            "a: x {{ b }}\n",
            "a: |\n  {{ b }}\n  c: {{ d }}\ne: 1\n",
        ] {
            assert_eq!(syntax_of("roles/a/defaults/main.yml", text), Reading::As(Syntax::Yaml), "{text}");
        }
        for text in ["a: {{ b }}\n", "{{- if .Values.a }}\na: 1\n{{- end }}\n", "- {{ b }}\n", "{% if a %}\n"]
        {
            assert_eq!(syntax_of("chart/templates/a.yaml", text), Reading::Template(MARKS), "{text}");
        }
        assert_eq!(syntax_of("nginx.conf.j2", "listen 80;"), Reading::Template(ENGINE));
        assert_eq!(syntax_of("nginx.conf.erb", "listen 80;"), Reading::Template(ENGINE));
        assert_eq!(syntax_of("a.yaml.tmpl", "a: {{ b }}"), Reading::Template(MARKS));
        assert_eq!(syntax_of("a.tmpl", "listen 80;"), Reading::Template(ENGINE));
    }

    #[test]
    fn everything_else_is_not_ours() {
        for path in
            ["README.md", "run.sh", "LICENSE", "logo.png", "package-lock.json", "main.go", "Dockerfile"]
        {
            assert!(matches!(syntax_of(path, "timeout: 3"), Reading::NotOurs(_)), "{path}");
        }
    }
}
