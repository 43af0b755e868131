//! Things that are done side by side, so many at a time. They share one task: what needs a processor of its
//! own is a task or a process of theirs.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// What futures come to, in their order. So many of them are under way at a time; the first that fails ends
/// all.
///
/// # Errors
/// What the first that failed says.
pub(crate) async fn side_by_side<T, E>(
    lanes: usize,
    futures: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<Vec<T>, E> {
    let mut waiting = futures.into_iter().map(Box::pin).enumerate();
    let mut under_way: Vec<(usize, Pin<Box<_>>)> = waiting.by_ref().take(lanes.max(1)).collect();
    let mut done: Vec<Option<T>> = Vec::new();
    poll_fn(|context| {
        let mut at = 0;
        while let Some((place, future)) = under_way.get_mut(at) {
            match future.as_mut().poll(context) {
                Poll::Pending => at += 1,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(value)) => {
                    let place = *place;
                    if done.len() <= place {
                        done.resize_with(place + 1, || None);
                    }
                    done[place] = Some(value);
                    match waiting.next() {
                        // It is polled next, in the place of the one that ended.
                        Some(next) => under_way[at] = next,
                        None => drop(under_way.remove(at)),
                    }
                }
            }
        }
        if under_way.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await?;
    Ok(done.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_are_under_way_and_what_they_come_to_keeps_its_order() {
        let (now, most) = (Cell::new(0_usize), Cell::new(0_usize));
        let one = async |number: u64| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            tokio::time::sleep(Duration::from_secs(10 - number)).await;
            now.set(now.get() - 1);
            Ok::<_, ()>(number)
        };
        let all = side_by_side(3, (0..7).map(one)).await;
        assert_eq!(all, Ok((0..7).collect()));
        assert_eq!(most.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_that_fails_ends_all() {
        let one = async |number: u64| {
            tokio::time::sleep(Duration::from_secs(number)).await;
            if number == 2 { Err("two") } else { Ok(number) }
        };
        let begun = tokio::time::Instant::now();
        assert_eq!(side_by_side(9, (1..7).map(one)).await, Err("two"));
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
        assert_eq!(side_by_side(0, (3..5).map(one)).await, Ok(vec![3, 4]));
    }
}
