//! Steady or hostile sign-ins as many people would make them: arrivals that do not wait for answers
//! (Poisson), users drawn by Zipf's law, mixes of requests. What is measured begins when a request was
//! due, not when it was sent, so that a slow service cannot hide its own queue.
