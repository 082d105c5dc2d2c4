mod conduct;
mod election;
mod interventions;
mod limits;
mod replacement;
mod reseat;
mod suspicion;
