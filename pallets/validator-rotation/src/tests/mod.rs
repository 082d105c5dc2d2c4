mod conduct;
mod election;
mod expulsion;
mod interventions;
mod limits;
mod replacement;
mod reseat;
mod suspicion;
