import type { FunctionCases } from './case-rows.ts';

export const geoCellsCases: FunctionCases = {
  geo_point_to_geohash: ['geo_point_to_geohash(x, 1.5, 5)'],
  geo_geohash_to_central_point: ['geo_geohash_to_central_point("u4pru")', 'geo_geohash_to_central_point(s)'],
  geo_geohash_to_polygon: ['geo_geohash_to_polygon("u4pru")', 'geo_geohash_to_polygon(s)'],
  geo_geohash_neighbors: ['geo_geohash_neighbors("u4pru")', 'geo_geohash_neighbors(s)'],
  geo_point_to_s2cell: ['geo_point_to_s2cell(x, 1.5, 7)'],
  geo_s2cell_to_central_point: ['geo_s2cell_to_central_point("1234567")'],
  geo_s2cell_to_polygon: ['geo_s2cell_to_polygon("1234567")'],
  geo_s2cell_neighbors: ['geo_s2cell_neighbors("1234567")'],
  geo_polygon_to_s2cells: [
    'geo_polygon_to_s2cells(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), 5)',
  ],
  geo_line_to_s2cells: ['geo_line_to_s2cells(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), 5)'],
  geo_polygon_to_h3cells: [
    'geo_polygon_to_h3cells(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), 2)',
  ],
  geo_point_to_h3cell: ['geo_point_to_h3cell(x, 1.5, 6)'],
  geo_h3cell_to_central_point: ['geo_h3cell_to_central_point("862a1072fffffff")'],
  geo_h3cell_to_polygon: ['geo_h3cell_to_polygon("862a1072fffffff")'],
  geo_h3cell_neighbors: ['geo_h3cell_neighbors("862a1072fffffff")'],
  geo_h3cell_rings: ['geo_h3cell_rings("862a1072fffffff", 1)'],
  geo_h3cell_level: ['geo_h3cell_level("862a1072fffffff")', 'geo_h3cell_level(s)'],
  geo_h3cell_parent: ['geo_h3cell_parent("862a1072fffffff")'],
  geo_h3cell_children: ['geo_h3cell_children("862a1072fffffff")'],
};
