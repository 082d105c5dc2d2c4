mod election;
mod limits;
mod replacement;
