//! What a block's author says of finality, from the node into the block.

/// Names it among the inherents.
pub const IDENTIFIER: sp_inherents::InherentIdentifier = *b"undyfina";

/// Gives the runtime the number of the last block that the node has finalized, saturating.
#[cfg(feature = "std")]
pub struct FinalityInherent(pub u32);

#[cfg(feature = "std")]
#[async_trait::async_trait]
impl sp_inherents::InherentDataProvider for FinalityInherent {
	async fn provide_inherent_data(
		&self,
		data: &mut sp_inherents::InherentData,
	) -> Result<(), sp_inherents::Error> {
		data.put_data(IDENTIFIER, &self.0)
	}

	async fn try_handle_error(
		&self,
		_: &sp_inherents::InherentIdentifier,
		_: &[u8],
	) -> Option<Result<(), sp_inherents::Error>> {
		None
	}
}
