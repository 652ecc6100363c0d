import QuipuModel
import QuipuProtocol

/// Lines of points over time. One line, or several in colours, are drawn with braille: each
/// character holds two by four dots. Without colours each of several lines has a mark of its own.
struct Chart {
    struct Point: Equatable {
        /// Seconds since 1970.
        var time: Double
        var value: Double
        /// What it is about. A point that is further away than half of that again is not joined.
        var seconds: Double
    }

    private let series: [[Point]]
    /// Seconds since 1970: the left edge and the right.
    var since: Double
    var until: Double
    /// Whose unit the scale shows.
    var valueName: String

    /// Points without a finite value are gaps.
    init(points: [Point], since: Double, until: Double, valueName: String) {
        self.init(series: [points], since: since, until: until, valueName: valueName)
    }

    /// - Parameter series: at most as many as there are `ChartMark`s.
    init(series: [[Point]], since: Double, until: Double, valueName: String) {
        self.series = series.map { points in
            points.filter { $0.value.isFinite && $0.time.isFinite }
        }
        self.since = since
        self.until = until
        self.valueName = valueName
    }

    /// - Parameters:
    ///   - width: columns in all, labels included.
    ///   - height: rows of dots' characters; two more carry the axis.
    func lines(width: Int, height: Int, style: Style) -> [String] {
        let scale = valueRange
        let labels = (0..<height).map { label(row: $0, of: height, scale) }
        let labelWidth = labels.reduce(0) { max($0, Visible.columns($1)) }
        let plotWidth = max(10, width - labelWidth - 2)
        let plot = plot(columns: plotWidth, rows: height, scale, style)
        var lines: [String] = []
        for (label, dots) in zip(labels, plot) {
            let padding = String(repeating: " ", count: labelWidth - Visible.columns(label))
            lines.append(padding + label + (label.isEmpty ? " │" : " ┤") + dots)
        }
        let margin = String(repeating: " ", count: labelWidth + 1)
        lines.append(margin + "└" + String(repeating: "─", count: plotWidth))
        lines.append(margin + " " + timeAxis(plotWidth))
        return lines
    }

    /// The scale's value at the first, the middle and the last row.
    private func label(row: Int, of height: Int, _ scale: ClosedRange<Double>) -> String {
        guard row == 0 || row == height / 2 || row == height - 1 else { return "" }
        let down = Double(row) / Double(max(1, height - 1))
        // A weighted mean, since the difference of two large bounds may be infinite.
        let value = scale.lowerBound * down + scale.upperBound * (1 - down)
        return Units.value(value, named: valueName)
    }

    /// From 0, unless the values are far from it; never empty.
    private var valueRange: ClosedRange<Double> {
        let values = series.joined().map(\.value)
        guard let least = values.min(), let most = values.max() else { return 0...1 }
        let spread = most / 2 - least / 2
        let low = least > 0 && spread > least / 8 ? 0 : least
        let high = most < 0 && spread > -most / 8 ? 0 : most
        if low < high { return low...high }
        // A level line stands in the middle.
        let margin = low == 0 ? 1 : abs(low) / 10
        let bound = Double.greatestFiniteMagnitude
        return max(low - margin, -bound)...min(high + margin, bound)
    }

    private func plot(
        columns: Int, rows: Int, _ scale: ClosedRange<Double>, _ style: Style
    ) -> [String] {
        if series.count > 1, !style.isColored {
            return MarkCanvas.lines(
                series.map { points in
                    var canvas = MarkCanvas(columns: columns, rows: rows)
                    draw(points, on: &canvas, scale)
                    return canvas
                })
        }
        return BrailleCanvas.lines(
            series.map { points in
                var canvas = BrailleCanvas(columns: columns, rows: rows)
                draw(points, on: &canvas, scale)
                return canvas
            }, style)
    }

    private func draw(
        _ points: [Point], on canvas: inout some ChartCanvas, _ scale: ClosedRange<Double>
    ) {
        let seconds = max(until - since, 1)
        var last: (point: Point, x: Int, y: Int)?
        for point in points where point.time >= since - point.seconds && point.time <= until {
            let across = min(max((point.time - since) / seconds, 0), 1)
            let up = Chart.part(point.value, of: scale)
            let x = Int((across * Double(canvas.dotColumns - 1)).rounded())
            let y = Int(((1 - up) * Double(canvas.dotRows - 1)).rounded())
            if let last, point.time - last.point.time <= last.point.seconds * 1.5 {
                canvas.line(from: (last.x, last.y), to: (x, y))
            } else {
                canvas.set(x, y)
            }
            last = (point, x, y)
        }
    }

    /// How far up the scale a value stands, 0…1. Halves, since a difference of large bounds may be
    /// infinite.
    private static func part(_ value: Double, of scale: ClosedRange<Double>) -> Double {
        let part =
            (value / 2 - scale.lowerBound / 2) / (scale.upperBound / 2 - scale.lowerBound / 2)
        return part.isFinite ? min(max(part, 0), 1) : 0.5
    }

    /// The time at the left edge, and at the right one.
    private func timeAxis(_ width: Int) -> String {
        let left = Chart.label(since, over: until - since)
        let right = Chart.label(until, over: until - since)
        let gap = width - left.count - right.count
        return gap > 0 ? left + String(repeating: " ", count: gap) + right : left
    }

    private static func label(_ seconds: Double, over span: Double) -> String {
        let text = Timestamp.seconds(Int64(seconds)).rfc3339
        let time = text.dropFirst(11).prefix(span < 600 ? 8 : 5)
        return span > 86_400 ? "\(text.prefix(10)) \(time)" : "\(time)"
    }
}
