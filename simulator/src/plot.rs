//! Figures for the documentation.

use std::path::Path;

use plotters::prelude::*;

/// One line of a figure.
pub struct Line {
	/// Label in the legend.
	pub name: String,
	/// Points: members and blocks, or outages and parts per million.
	pub points: Vec<(u32, u32)>,
}

/// Draws the detection latency over the number of members into an SVG file.
pub fn draw(path: &Path, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
	let all = || lines.iter().flat_map(|line| line.points.iter().copied());
	let members = all().map(|(members, _)| members);
	let (least, most) = (members.clone().min().unwrap_or(1), members.max().unwrap_or(10));
	let highest = all().map(|(_, blocks)| blocks).max().unwrap_or(1);

	let root = SVGBackend::new(path, (860, 440)).into_drawing_area();
	root.fill(&WHITE)?;
	let mut chart = ChartBuilder::on(&root)
		.margin(16)
		.x_label_area_size(40)
		.y_label_area_size(48)
		.caption("From a failure to the standby's seat", ("sans-serif", 20))
		.build_cartesian_2d((least..most).log_scale(), 0..highest + 2)?;
	chart.configure_mesh().x_desc("members").y_desc("blocks of 3 seconds").light_line_style(WHITE).draw()?;
	for (line, place) in lines.iter().zip(0usize..) {
		let colour = Palette99::pick(place / 2).to_rgba();
		// Each median is followed by its 99th percentile, which is drawn thin.
		let style =
			ShapeStyle { color: colour, filled: false, stroke_width: if place % 2 == 0 { 3 } else { 1 } };
		chart
			.draw_series(LineSeries::new(line.points.iter().copied(), style))?
			.label(&line.name)
			.legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], style));
		chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, style.filled())))?;
	}
	chart
		.configure_series_labels()
		.position(SeriesLabelPosition::UpperLeft)
		.background_style(WHITE.mix(0.8))
		.border_style(BLACK.mix(0.3))
		.draw()?;
	root.present()?;
	Ok(())
}

/// Draws the penalty curve into an SVG file.
pub fn draw_penalties(path: &Path, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
	let all = || lines.iter().flat_map(|line| line.points.iter());
	let most = all().map(|(outages, _)| *outages).max().unwrap_or(1);
	let highest = all().map(|(_, ppm)| *ppm).max().unwrap_or(1);
	let root = SVGBackend::new(path, (860, 440)).into_drawing_area();
	root.fill(&WHITE)?;
	let mut chart = ChartBuilder::on(&root)
		.margin(16)
		.x_label_area_size(40)
		.y_label_area_size(72)
		.caption("What an outage costs", ("sans-serif", 20))
		.build_cartesian_2d(1..most, 0..highest + highest / 10)?;
	chart
		.configure_mesh()
		.x_desc("outages that are not forgiven, this one included")
		.y_desc("parts per million of the stake")
		.light_line_style(WHITE)
		.draw()?;
	for (place, line) in lines.iter().enumerate() {
		let style = ShapeStyle { color: Palette99::pick(place).to_rgba(), filled: false, stroke_width: 2 };
		chart
			.draw_series(LineSeries::new(line.points.iter().copied(), style))?
			.label(&line.name)
			.legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], style));
		chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, style.filled())))?;
	}
	chart
		.configure_series_labels()
		.position(SeriesLabelPosition::LowerRight)
		.background_style(WHITE.mix(0.8))
		.border_style(BLACK.mix(0.3))
		.draw()?;
	root.present()?;
	Ok(())
}
