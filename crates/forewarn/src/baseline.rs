//! `forewarn baseline`: accepts the findings of today, so that from then on only new ones count. A
//! baseline that is there only shrinks, unless it is told to grow, and only after a look at everything.

use audit::render::count;
use audit::{Baseline, BaselineChoice, Error, May};

use crate::arguments::{BaselineArguments, ScopeArguments};
use crate::check::audited;
use crate::output::{to_file, to_stdout};
use crate::settings::{request, today};
use crate::{CLEAN, FINDINGS};

/// Writes the baseline and says what became of it.
pub(crate) fn run(arguments: BaselineArguments) -> Result<u8, Error> {
    let scope = ScopeArguments {
        env: Vec::new(),
        exclude: arguments.exclude,
        config: arguments.config,
        no_config: arguments.no_config,
        threads: None,
    };
    let mut request = request(arguments.paths, scope)?;
    request.today = Some(today(arguments.today.as_deref())?);
    request.baseline = match arguments.baseline {
        Some(file) => BaselineChoice::FileOrMake(file),
        None => BaselineChoice::FindOrMake,
    };
    let mut outcome = audited(&request, false)?;
    if let Some(unread) = outcome.unread.take() {
        return Err(unread);
    }
    let now = Baseline::of(&outcome);
    let file = outcome.baseline.expect("bug: a baseline was asked for");
    let path = file.path.display();
    let Some(held) = file.held else {
        to_file(&file.path, &now.json(), "--baseline")?;
        to_stdout(&format!("wrote {path}: it accepts {}\n", count(now.len(), "finding")))?;
        return Ok(CLEAN);
    };
    let may = May { shrink: outcome.exhaustive, grow: arguments.grow };
    let update = held.updated(&now, may);
    let mut told = Vec::new();
    if update.gone > 0 && may.shrink {
        told.push(format!("took out {} no longer there", count(update.gone, "finding")));
    }
    if update.new > 0 && arguments.grow {
        told.push(format!("added {}", count(update.new, "finding")));
    }
    if told.is_empty() {
        told.push(if may.shrink { "nothing to take out" } else { "nothing taken out" }.to_owned());
    }
    if update.baseline != held {
        to_file(&file.path, &update.baseline.json(), "--baseline")?;
    }
    let mut said =
        format!("{path}: {}; it accepts {}\n", told.join(", "), count(update.baseline.len(), "finding"));
    if update.gone > 0 && !may.shrink {
        let unseen = count(update.gone, "finding");
        said += &format!(
            "kept: {unseen} not seen in this part of the tree; run `forewarn baseline` on all of it, without --exclude, to \
             take out what is gone\n"
        );
    }
    let refused = update.new > 0 && !arguments.grow;
    if refused {
        let new = count(update.new, "finding");
        said += &format!("not added: {new} that it does not hold; repair them, or add them with --grow\n");
    }
    to_stdout(&said)?;
    Ok(if refused { FINDINGS } else { CLEAN })
}
